"""A device that makes its own key, over a console that loses, damages and mixes lines."""

import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509

from edge.errors import EdgeError, LinkError
from edge.factory.identity import proof
from edge.factory.identity.device_key import START, OwnKey, Speaker
from edge.flash.protocols.steps import Line as Cable
from edge_agent.identity import Identity
from tests.edge.factory.identity.conftest import NOW, Line
from tests.fakes.factory_console import FactoryConsole
from tests.source_tree import PROJECT

KERNEL = b"[    4.201773] mmc0: new high speed SDHC card at address aaaa\r\n"


def _provisioned(line: Line, console: FactoryConsole) -> x509.Certificate:
    """Let a device become gw-1, and prove it."""
    own = OwnKey(Cable(), first=(1 << 31) - 8)
    console.run(own.hello())
    request = console.run(own.new("gw-1"))
    made = line.station().issue_device(request, "gw-1", now=NOW)
    early = proof.challenge()
    assert proof.holds(
        x509.load_pem_x509_certificate(made.chain_pem.encode()),
        early,
        console.run(own.prove(early)),
    )
    assert console.run(own.put(made.chain_pem, line.root.read_bytes(), 1)) == "gw-1"
    nonce = proof.challenge()
    certificate = x509.load_pem_x509_certificate(made.chain_pem.encode())
    assert proof.holds(certificate, nonce, console.run(own.prove(nonce)))
    return certificate


def test_a_device_makes_its_key_and_proves_it(line: Line, tmp_path: Path) -> None:
    console = FactoryConsole(tmp_path / "device")

    certificate = _provisioned(line, console)

    found = Identity.read(tmp_path / "device/identity")
    assert (found.device, found.epoch) == ("gw-1", 1)
    assert x509.load_pem_x509_certificate(found.certificate.read_bytes()) == certificate
    assert found.key.stat().st_mode & 0o777 == 0o600
    secret = found.key.read_bytes().splitlines()[1]
    assert not any(secret in said for said in console.heard)
    assert max(len(said) for said in console.heard) < 255


def test_the_dialog_has_these_bytes(tmp_path: Path) -> None:
    text = (PROJECT / "tests/vectors/factory/dialog.txt").read_text()
    exchanges = re.findall(r"(@E>.*\n)((?:@E<.*\n)*)", text)
    answers = {asked.encode(): said.encode() for asked, said in exchanges}
    console = FactoryConsole(tmp_path / "device", coming=lambda _number, line: answers[line])
    own = OwnKey(Cable(), first=6)

    console.run(own.hello())
    assert console.run(own.new("gw-0001")) == b"PEM"
    assert console.run(own.prove(bytes(32))) == b"\x30" * 70
    assert console.run(own.put("C" * 80, b"S" * 80, 1)) == "gw-0001"
    with pytest.raises(EdgeError, match="this device is gw-0001 already"):
        console.run(own.new("gw-0002"))

    assert console.heard == list(answers)


def _is_hit(number: int) -> bool:
    return random.Random(number).random() < 0.4


def _lost(number: int, line: bytes) -> bytes:
    return b"" if _is_hit(number) else line


def _mixed(number: int, line: bytes) -> bytes:
    return line[:20] + KERNEL + line[20:] if _is_hit(number) else KERNEL + line


def _glued(_number: int, line: bytes) -> bytes:
    return b"# " + line


def _twice(_number: int, line: bytes) -> bytes:
    return line + line


def _flipped(number: int, line: bytes) -> bytes:
    place = number * 7 % (len(line) - 2)
    return line[:place] + bytes((line[place] ^ 4,)) + line[place + 1 :] if _is_hit(number) else line


@pytest.mark.parametrize("damage", [_lost, _mixed, _glued, _twice, _flipped])
@pytest.mark.parametrize("way", ["coming", "going"])
def test_a_bad_console_costs_time_only(
    line: Line, tmp_path: Path, damage: Callable[[int, bytes], bytes], way: str
) -> None:
    console = FactoryConsole(tmp_path / "device")
    setattr(console, way, damage)

    _provisioned(line, console)


def test_a_device_that_is_started_anew_at_any_line_goes_on(line: Line, tmp_path: Path) -> None:
    console = FactoryConsole(tmp_path / "whole")
    _provisioned(line, console)

    for place in range(1, len(console.heard)):
        again = Line(line.factory)
        for file in again.station().folder.glob("issued.*"):
            file.unlink()
        _provisioned(again, FactoryConsole(tmp_path / f"{place}", restarts_at=(place,)))


@pytest.mark.parametrize("seed", range(20))
def test_noise_never_makes_another_identity(line: Line, tmp_path: Path, seed: int) -> None:
    noise = random.Random(seed)

    def damage(_number: int, said: bytes) -> bytes:
        if noise.random() < 0.7:
            return said
        place = noise.randrange(len(said))
        return said[:place] + noise.randbytes(noise.randrange(8)) + said[place:]

    try:
        _provisioned(line, FactoryConsole(tmp_path / "device", coming=damage, going=damage))
    except LinkError:
        return
    assert Identity.read(tmp_path / "device/identity").device == "gw-1"


@pytest.mark.parametrize(
    ("said", "found", "hint"),
    [
        pytest.param(b"", "nothing is said there", "power, cable", id="silence"),
        pytest.param(b"\r\ngateway login: ", "a login waits there", "`factory` in", id="login"),
        pytest.param(b"\r\nPassword: ", "a login waits there", "`factory` in", id="password"),
        pytest.param(b"@E: not found\r\nedge# ", "a shell is there", "`agent`", id="shell"),
        pytest.param(b"Welcome\r\nmenu> ", "neither the service", "`console`", id="other"),
    ],
)
def test_why_nobody_answers_is_told(tmp_path: Path, said: bytes, found: str, hint: str) -> None:
    console = FactoryConsole(tmp_path / "device", coming=lambda _number, _line: said)

    with pytest.raises(LinkError, match=f"did not answer in 60 s: {found}") as caught:
        console.run(OwnKey(Cable(), 1, START).hello())

    assert hint in str(caught.value.hint)
    assert (START.encode() in b"".join(console.heard)) is ("login" not in found)


def test_a_device_whose_factory_is_done_is_told_at_once(tmp_path: Path) -> None:
    said = b"edge-agent: this device has an identity: the factory is done with it\r\nedge# "
    console = FactoryConsole(
        tmp_path / "device", coming=lambda _number, line: said if START.encode() in line else b"# "
    )

    with pytest.raises(EdgeError, match="the factory is done with it") as caught:
        console.run(OwnKey(Cable(), 1, START).hello())

    assert "write the board anew" in str(caught.value.hint)
    assert console.now_s < 30


def test_nothing_is_typed_while_a_board_starts(line: Line, tmp_path: Path) -> None:
    console = FactoryConsole(tmp_path / "device")
    console.later = [
        (5.0, b"U-Boot 2025.01\r\nHit any key to stop autoboot:  2 "),
        (6.0, b"\b\b\b 1 "),
        (7.0, b"\b\b\b 0 \r\nStarting kernel ...\r\n"),
    ]

    console.run(OwnKey(Cable(), first=1).hello())

    assert not [at_s for at_s in console.heard_at_s if 5.0 <= at_s < 7.5]


def test_a_boot_loader_that_was_stopped_is_told_to_go_on(line: Line, tmp_path: Path) -> None:
    said: list[bytes] = []

    def prompt(_number: int, sent: bytes) -> bytes:
        said.append(sent)
        return b"Unknown command\n" if b"boot\r" not in said else sent

    console = FactoryConsole(tmp_path / "device", coming=prompt)
    console.later = [(0.5, b"Hit any key to stop autoboot:  0 \r\n=> ")]

    console.run(OwnKey(Cable(), first=1).hello())

    assert said[0] == b"boot\r"


def test_what_starts_the_program_is_typed_until_it_answers(line: Line, tmp_path: Path) -> None:
    is_started: list[bytes] = []

    def shell(_number: int, sent: bytes) -> bytes:
        if sent == f"\n{START}\n".encode():
            is_started.append(sent)
        return sent if len(is_started) > 1 else b"edge# "

    console = FactoryConsole(tmp_path / "device", coming=shell)

    assert console.run(OwnKey(Cable(), 1, START).hello()) is Speaker.SHELL

    assert len(is_started) == 2


def test_a_service_that_answers_by_itself_is_told_no_command(tmp_path: Path) -> None:
    console = FactoryConsole(tmp_path / "device")

    assert console.run(OwnKey(Cable(), 1, START).hello()) is Speaker.SERVICE

    assert len(console.heard) == 1


def test_what_the_device_refuses_is_told(line: Line, tmp_path: Path) -> None:
    console, own = FactoryConsole(tmp_path / "device"), OwnKey(Cable(), first=1)
    other = line.device("gw-2")

    with pytest.raises(EdgeError, match="the device says: the device id"):
        console.run(own.new("gw/1"))
    with pytest.raises(EdgeError, match="no key was made here"):
        console.run(own.put(other.made.chain_pem, line.root.read_bytes(), 1))
    with pytest.raises(EdgeError, match="the device says"):
        console.run(own.prove(proof.challenge()))
    console.run(own.new("gw-1"))
    with pytest.raises(EdgeError, match="another key or device"):
        console.run(own.put(other.made.chain_pem, line.root.read_bytes(), 1))
    assert not (tmp_path / "device/identity").exists()
