"""URLs that are none, and servers that keep to the letter of HTTP."""

import io
import json
import ssl
import urllib.error
from pathlib import Path

import pytest
import zstandard

from edge.errors import InputError, ServerError
from edge.flash.sources import http_stream, opening
from edge.flash.sources.buffers import Buffers
from edge.image import bmap, manifest
from edge.image.bmap import BlockRange
from tests.fakes.file_server import FileServer, file_server

_IMAGE = bytes(range(256)) * (3 << 12)


def _no_sleep(_s: float) -> None:
    pass


def test_a_lost_link_is_taken_up_where_the_server_has_weak_tags() -> None:
    with file_server(FileServer({"disk.img": _IMAGE}, cut_bytes=1 << 20, tag='W/"1"')) as server:
        found = b"".join(http_stream.pieces(server.url + "disk.img", sleep=_no_sleep))

    assert found == _IMAGE


def test_a_file_whose_weak_tag_changed_in_the_middle_is_not_joined() -> None:
    with file_server(FileServer({"disk.img": _IMAGE}, cut_bytes=1 << 20, tag='W/"1"')) as server:

        def changes(_s: float) -> None:
            server.tag = 'W/"2"'

        with pytest.raises(ServerError, match="has changed"):
            list(http_stream.pieces(server.url + "disk.img", sleep=changes))


@pytest.mark.parametrize(
    "url", ["http://[::1/disk.img", "http://127.0.0.1/a b", "http://127.0.0.1:x/b"]
)
def test_what_is_no_url_is_told_at_once(url: str) -> None:
    with pytest.raises(InputError):  # and no LinkError, after many tries
        opening.open_source(url, vouch=lambda *_: pytest.fail("no signature"))


def _map() -> bytes:
    ranges = [BlockRange(0, len(_IMAGE) // 4096 - 1)]
    return bmap.document(io.BytesIO(_IMAGE), image_bytes=len(_IMAGE), ranges=ranges)


def _read(image: str, block_map: str | None = None) -> bytes:
    source = opening.open_source(
        image, vouch=lambda *_: pytest.fail("no signature"), block_map=block_map
    )
    return b"".join(bytes(chunk.data) for chunk in source.chunks(Buffers(16)))


def test_what_lies_beside_a_url_with_a_query_is_found_with_it() -> None:
    files = {"x.img.zst?key=1.2": zstandard.compress(_IMAGE), "x.img.bmap?key=1.2": _map()}

    with file_server(FileServer(files)) as server:
        found = _read(server.url + "x.img.zst?key=1.2")
        asked = [path for path, _range in server.asked]

    assert found == _IMAGE
    assert "x.edge?key=1.2" in asked


def test_the_block_map_of_a_url_may_be_a_file_and_that_of_a_file_a_url(tmp_path: Path) -> None:
    (tmp_path / "y.bmap").write_bytes(_map())
    (tmp_path / "x.img").write_bytes(_IMAGE)

    with file_server(FileServer({"x.img": _IMAGE, "y.bmap": _map()})) as server:
        by_file = _read(server.url + "x.img", str(tmp_path / "y.bmap"))
        by_url = _read(str(tmp_path / "x.img"), server.url + "y.bmap")

    assert (by_file, by_url) == (_IMAGE, _IMAGE)


def test_a_build_without_its_block_map_is_still_for_its_board(tmp_path: Path) -> None:
    (tmp_path / "disk.img").write_bytes(_IMAGE)
    facts = {"format": manifest.FORMAT, "board": "rpi4", "version": "1.0.0"}
    (tmp_path / manifest.FILE).write_text(json.dumps(facts))

    source = opening.open_source(str(tmp_path), vouch=lambda *_: pytest.fail("no signature"))

    assert source.facts.board == "rpi4"


def test_a_certificate_that_does_not_hold_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_words: object, **_options: object) -> None:
        error = ssl.SSLCertVerificationError(1, "certificate verify failed")
        error.verify_message = "certificate has expired"
        raise urllib.error.URLError(error)

    monkeypatch.setattr("urllib.request.OpenerDirector.open", refused)

    with pytest.raises(ServerError, match="certificate has expired"):
        list(http_stream.pieces("https://127.0.0.1/x.img", sleep=_no_sleep))
