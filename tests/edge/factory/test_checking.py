"""What a shift needs is looked at before its first board."""

import os
import shutil
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edge.errors import EdgeError, InputError, LinkError, RefusedError, ThingNotFoundError
from edge.factory import checking
from edge.factory.line import Line, Step
from tests.fakes.factory_line import line_of
from tests.fakes.pki import Authority

NOW = datetime.now(UTC)


def line_with(**keys: str) -> Line:
    return line_of().model_copy(update=keys)


def test_one_thing_that_is_wrong_hides_no_other() -> None:
    def wrong() -> str:
        raise RefusedError("it is used up", hint="a new one")

    first, second = checking.findings({"ids": wrong, "room": lambda: "enough"})

    assert (first.text, type(first.error)) == ("it is used up", RefusedError)
    assert (second.text, second.error) == ("enough", None)


@pytest.mark.parametrize(("days", "is_good"), [(-40_000, False), (0, True), (40_000, False)])
def test_what_devices_trust_their_server_by_is_valid_now(
    tmp_path: Path, days: int, is_good: bool
) -> None:
    made = Authority.make(tmp_path, "server-ca")
    line = line_with(server_ca=made.file.name)
    now = NOW + timedelta(days=days)

    if is_good:
        assert checking.server_ca(tmp_path, line, now) == made.file.read_bytes()
    else:
        with pytest.raises(RefusedError, match="not now"):
            checking.server_ca(tmp_path, line, now)


def test_a_server_ca_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(ThingNotFoundError, match="no such file"):
        checking.server_ca(tmp_path, line_with(server_ca="server.crt"), NOW)
    (tmp_path / "server.crt").write_text("nothing")
    with pytest.raises(InputError, match="no certificate"):
        checking.server_ca(tmp_path, line_with(server_ca="server.crt"), NOW)


def test_the_command_of_a_step_is_there_and_may_be_run(tmp_path: Path) -> None:
    own, known, unknown = (Step(step="x", run=(one,)) for one in ("./t", "sh", "no-such-program"))

    with pytest.raises(ThingNotFoundError, match="no such file"):
        checking.command(tmp_path, own)
    (tmp_path / "t").write_text("#!/bin/sh\n")
    with pytest.raises(InputError, match="may not be run"):
        checking.command(tmp_path, own)
    (tmp_path / "t").chmod(0o755)
    assert checking.command(tmp_path, own) == str(tmp_path / "t")
    assert checking.command(tmp_path, known) == shutil.which("sh")
    with pytest.raises(ThingNotFoundError, match="no-such-program"):
        checking.command(tmp_path, unknown)


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "MiB are free" in checking.room(tmp_path / "not-yet")
    monkeypatch.setattr(checking, "LEAST_FREE_BYTES", 1 << 70)

    with pytest.raises(RefusedError, match="are needed"):
        checking.room(tmp_path)


def test_a_printer_on_the_network_is_asked_whether_it_is_there(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        place = f"tcp:127.0.0.1:{server.getsockname()[1]}"
        there = checking.printer(tmp_path, line_with(printer=place), "gw-0001")
        connection, _address = server.accept()
        with connection:
            assert connection.recv(1) == b""  # nothing is printed

    assert there == place
    with pytest.raises(LinkError, match="refused"):
        checking.printer(tmp_path, line_with(printer=place), "gw-0001")


def test_a_queue_that_cups_does_not_know_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in (("lp", "exit 1"), ("lpstat", '[ "$2" = labels ]')):
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    assert checking.printer(tmp_path, line_with(printer="lp:labels"), "gw-0001") == "lp:labels"
    with pytest.raises(ThingNotFoundError, match="CUPS does not know it"):
        checking.printer(tmp_path, line_with(printer="lp:other"), "gw-0001")


def test_a_label_that_has_no_room_is_told_before_a_device_has_its_name(tmp_path: Path) -> None:
    assert checking.printer(tmp_path, line_with(printer="file:labels"), "gw-0001") == "file:labels"
    assert not (tmp_path / "labels").exists()

    with pytest.raises(EdgeError):
        checking.printer(tmp_path, line_with(printer="file:labels"), "x" * 65)
