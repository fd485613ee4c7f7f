"""The container of a bundle."""

import pytest

from edge_signing.errors import FormatError
from edge_signing.formats.bundle import HEADER_BYTES, Header, MetadataSection

HEADER = Header(metadata_bytes=0x123, payload_bytes=0x4_5678_9ABC, metadata_sha256=b"\xaa" * 32)
FILES = {
    "metadata/1.root.json": b"{}",
    "metadata/targets.json": b"",
    "tables/" + "ab" * 32: b"\0" * 300,
    "targets/gateway/1.2.0/release.json": b"{}",
}


def test_a_header_is_golden() -> None:
    packed = HEADER.pack()

    assert packed.hex() == (
        "8e454447450d0a1a0100400023010000bc9a785604000000" + "aa" * 32 + "00" * 8
    )
    assert len(packed) == HEADER_BYTES
    assert Header.unpack(packed) == HEADER


@pytest.mark.parametrize("at", [*range(12), *range(56, 64)])
def test_each_fixed_byte_of_a_header_counts(at: int) -> None:
    packed = bytearray(HEADER.pack())
    packed[at] ^= 0x20

    with pytest.raises(FormatError):
        Header.unpack(bytes(packed))


@pytest.mark.parametrize(
    "lengths", [pytest.param((1 << 31, 0), id="metadata"), pytest.param((0, 1 << 60), id="payload")]
)
def test_a_section_longer_than_any_is_refused(lengths: tuple[int, int]) -> None:
    with pytest.raises(FormatError, match="longer than any"):
        Header(*lengths, bytes(32))


def test_a_section_comes_back() -> None:
    assert MetadataSection.unpack(MetadataSection.of(FILES).pack()).files() == FILES


def test_a_section_is_golden() -> None:
    section = MetadataSection.of({"metadata/a.json": b"12"}).pack()

    assert section == b"\x0fmetadata/a.json\x02\0\0\0" + b"12"


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(["metadata/b.json", "metadata/a.json"], id="order"),
        pytest.param(["metadata/a.json", "metadata/a.json"], id="twice"),
        pytest.param(["metadata/../a.json"], id="path"),
        pytest.param(["metadata/a.json.gz"], id="odd suffix"),
        pytest.param(["a.json"], id="no folder"),
        pytest.param(["targets/a/b/../c.json"], id="up"),
        pytest.param(["targets/a/.b/c.json"], id="hidden"),
        pytest.param(["tables/" + "AB" * 32], id="capitals"),
        pytest.param([""], id="empty"),
    ],
)
def test_names_that_are_not_allowed_are_refused(names: list[str]) -> None:
    section = MetadataSection(tuple({"name": name, "data": b""} for name in names))

    with pytest.raises(FormatError):
        MetadataSection.unpack(section.pack()).files()


def test_a_section_that_is_cut_short_or_goes_on_is_refused() -> None:
    packed = MetadataSection.of(FILES).pack()

    for length in range(1, len(packed)):
        if packed[:length] in (packed[:27], packed[:53], packed[: 53 + 76 + 300]):
            continue  # whole entries
        with pytest.raises(FormatError):
            MetadataSection.unpack(packed[:length])
    with pytest.raises(FormatError):
        MetadataSection.unpack(packed + b"\0")
