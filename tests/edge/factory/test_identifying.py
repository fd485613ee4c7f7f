"""A device that makes its own key is given its certificate over its console, with a proof."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edge.errors import EdgeError, LinkError, UntrustedError
from edge.factory.identity import authority, station
from edge.factory.identity.device_key import OwnKey
from edge.factory.identity.station import StationAuthority
from edge.factory.ports import Seen
from edge.factory.steps.identifying import DeviceIdentifier
from edge.factory.steps.step import Job
from edge.flash.protocols.steps import Dialog
from edge.keys.secrets import nobody
from edge_agent.factory.answers import answering
from edge_agent.factory.conversation import Conversation

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def job(device: str = "gw-0001") -> Job:
    return Job("S1-1", device, "serial:x", Seen("", ""), timeout_s=5)


class ConsolePort:
    """The console of a device, on which the agent's own code answers."""

    def __init__(self, data: Path) -> None:
        self._device = Conversation(answering(data))
        self._said = bytearray()
        self.is_open = True

    def write(self, data: bytes) -> None:
        self._said += data.replace(b"\n", b"\r\n")
        for line in data.decode().splitlines():
            for answer in self._device.take(line):
                self._said += f"{answer}\r\n".encode()

    def read(self, timeout_s: float) -> bytes:
        data, self._said = bytes(self._said[:64]), self._said[64:]
        return data

    def fileno(self) -> int:
        raise AssertionError

    def set_baud(self, baud: int) -> None:
        raise AssertionError(baud)

    def close(self) -> None:
        self.is_open = False


@pytest.fixture
def signer(tmp_path: Path) -> Iterator[StationAuthority]:
    key = f"file:{tmp_path.parent / 'k'}"
    factory = authority.create(tmp_path, key, product="gateway", now=NOW)
    station.issue(factory, "S1", prefix="gw-", devices=3, lifetime=timedelta(days=9), now=NOW)
    yield station.open_station(tmp_path / station.FOLDER / "S1", nobody)
    (tmp_path.parent / "k").unlink()


def identifier(signer: StationAuthority, port: ConsolePort, tmp_path: Path) -> DeviceIdentifier:
    server_ca = (tmp_path / authority.CERTIFICATE).read_bytes()
    clock = iter(range(10_000))
    return DeviceIdentifier(
        signer, server_ca, lambda _port: port, lambda: NOW, lambda: float(next(clock)) / 1000
    )


def test_the_device_keeps_its_key_and_gets_its_certificate(
    signer: StationAuthority, tmp_path: Path
) -> None:
    port = ConsolePort(tmp_path / "data")

    given = identifier(signer, port, tmp_path).give(job())

    assert (given.proved, given.files) == ("device", ())
    identity = tmp_path / "data/identity"
    assert (identity / "device.crt").read_text() == given.certificate
    assert "PRIVATE KEY" in (identity / "device.key").read_text()
    assert not port.is_open


def test_a_device_that_does_not_hold_its_key_is_not_given_out_as_good(
    signer: StationAuthority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lie(_self: OwnKey, _nonce: bytes) -> Dialog[bytes]:
        yield from ()
        return b"no signature"

    monkeypatch.setattr(OwnKey, "prove", lie)

    with pytest.raises(UntrustedError):
        identifier(signer, ConsolePort(tmp_path / "data"), tmp_path).give(job())


def test_a_proof_that_was_cut_off_is_asked_for_again_with_the_same_certificate(
    signer: StationAuthority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port, same = ConsolePort(tmp_path / "data"), job()

    def cut(_self: OwnKey, _nonce: bytes) -> Dialog[bytes]:
        yield from ()
        raise LinkError("the device does not answer")

    with monkeypatch.context() as patch:
        patch.setattr(OwnKey, "prove", cut)
        with pytest.raises(LinkError):
            identifier(signer, port, tmp_path).give(same)
    given = identifier(signer, port, tmp_path).give(same)

    assert signer.left == 2
    assert (tmp_path / "data/identity/device.crt").read_text() == given.certificate


def test_a_device_that_has_an_identity_keeps_it(signer: StationAuthority, tmp_path: Path) -> None:
    identifier(signer, ConsolePort(tmp_path / "data"), tmp_path).give(job())

    with pytest.raises(EdgeError, match="the device says: this device is gw-0001 already"):
        identifier(signer, ConsolePort(tmp_path / "data"), tmp_path).give(job("gw-0002"))
