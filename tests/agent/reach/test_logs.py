"""The last lines of the rings, as s6-log leaves them."""

from pathlib import Path

import pytest

from edge_agent.errors import AgentError
from edge_agent.reach.logs import MOST_BYTES, Logs
from edge_agent.request import RefusedError
from edge_signing.commands import replies


def line(minute: int, text: str) -> str:
    return f"2026-11-26 10:{minute:02}:00.000000000  {text}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two services; the ring of one has pieces."""
    web, worker = tmp_path / "web", tmp_path / "worker"
    web.mkdir()
    worker.mkdir()
    (web / "@4000000065a1.s").write_text(line(1, "first"))
    (web / "@4000000065a2.s").write_text(line(3, "second"))
    (web / "current").write_text(line(5, "third"))
    (web / "lock").touch()
    (worker / "current").write_text(line(2, "works") + line(4, "works on"))
    return tmp_path


def test_lines_of_a_service_come_in_order(folder: Path) -> None:
    said = Logs(folder).last("web", 2).decode()

    assert said == line(3, "second") + line(5, "third")


def test_lines_of_all_services_come_in_the_order_of_their_times(folder: Path) -> None:
    said = Logs(folder).last("", 4).decode()

    assert [one.split()[0] for one in said.splitlines()] == ["worker", "web", "worker", "web"]
    assert said.endswith(f"web {line(5, 'third')}")


def test_a_hidden_service_is_nowhere(folder: Path) -> None:
    logs = Logs(folder, frozenset({"web"}))

    assert "web" not in logs.last("", 100).decode()
    with pytest.raises(RefusedError):
        logs.last("web", 1)


@pytest.mark.parametrize("name", ["none", "..", "web/../worker", "lock"])
def test_what_is_no_service_has_no_logs(folder: Path, name: str) -> None:
    (folder / "lock").touch()

    with pytest.raises(RefusedError):
        Logs(folder).last(name, 1)


def test_a_link_in_a_ring_is_not_followed(folder: Path, tmp_path: Path) -> None:
    secret = tmp_path.parent / "secret"
    secret.write_text("a key\n")
    (folder / "web" / "current").unlink()
    (folder / "web" / "current").symlink_to(secret)

    assert "a key" not in Logs(folder).last("", 100).decode()


def test_a_device_without_logs_says_so(tmp_path: Path) -> None:
    with pytest.raises(AgentError):
        Logs(tmp_path / "none").last("", 1)


def test_a_whole_ring_of_noise_fits_into_an_answer(folder: Path) -> None:
    from random import Random

    noise = Random(1).randbytes(128 << 10).replace(b"\n", b"x").replace(b"\r", b"x")
    lines = b"\n".join(noise[at : at + 4000] for at in range(0, len(noise), 4000)) + b"\n"
    for number in range(8):
        (folder / "web" / f"@40{number}.s").write_bytes(lines)
        (folder / "worker" / f"@40{number}.s").write_bytes(lines)

    said = Logs(folder).last("", 10_000)

    assert MOST_BYTES - 10_000 < len(said) <= MOST_BYTES
    assert replies("c", "done", content=said)[-1].is_last


def test_a_line_without_an_end_does_not_fill_the_answer(folder: Path) -> None:
    (folder / "web" / "current").write_bytes(b"x" * (1 << 20))

    assert len(Logs(folder).last("web", 1)) == (8 << 10) + 1
