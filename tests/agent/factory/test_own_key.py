"""The identity that a device makes at the factory: whole, or not there."""

import io
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from edge_agent import __main__ as command
from edge_agent import est
from edge_agent.device import Places
from edge_agent.factory import answers, own_key
from edge_agent.identity import Identity, IdentityError
from edge_signing import frames, proof
from edge_signing.frames import Way
from tests.fakes.pki import Pki

NONCE = bytes(range(32))


def _signed(pki: Pki, request: bytes) -> bytes:
    """Return what the factory gives for a request."""
    asked, own = x509.load_pem_x509_csr(request), pki.factory
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(asked.subject)
        .issuer_name(own._certificate().subject)
        .public_key(asked.public_key())
        .serial_number(7)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
    )
    return made.sign(own._key(), hashes.SHA256()).public_bytes(Encoding.PEM)


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    return Pki.make(tmp_path / "pki")


def test_a_device_asks_again_with_the_same_key(tmp_path: Path) -> None:
    keys = [
        x509.load_pem_x509_csr(own_key.begin(tmp_path / "data", name)).public_key()
        for name in ("gw-1", "gw-1", "gw-2")
    ]

    assert keys[0] == keys[1]
    assert keys[1] != keys[2]


def test_a_device_keeps_its_identity(tmp_path: Path, pki: Pki) -> None:
    data, root = tmp_path / "data", pki.servers.file.read_bytes()
    chain = _signed(pki, own_key.begin(data, "gw-1"))
    assert own_key.finish(data, chain, root, 3) == "gw-1"

    with pytest.raises(IdentityError, match="is gw-1 already"):
        own_key.begin(data, "gw-2")
    with pytest.raises(IdentityError, match="is gw-1 already"):
        own_key.finish(data, chain + b"\n", root, 3)
    assert own_key.finish(data, chain, root, 3) == "gw-1"
    again = x509.load_pem_x509_csr(own_key.begin(data, "gw-1")).public_key()
    assert again == x509.load_pem_x509_certificate(chain).public_key()
    assert Identity.read(data / "identity").epoch == 3
    assert sorted(one.name for one in (data / "identity").iterdir()) == [
        "device.crt",
        "device.key",
        "epoch",
        "server-ca.crt",
    ]


def test_a_key_signs_a_few_times_more_and_then_for_nobody_at_the_console(
    tmp_path: Path, pki: Pki
) -> None:
    data, root = tmp_path / "data", pki.servers.file.read_bytes()
    chain = _signed(pki, own_key.begin(data, "gw-1"))
    for _time in range(20):  # as often as it takes to get there
        own_key.prove(data, NONCE)
    own_key.finish(data, chain, root, 3)

    for _time in range(8):
        own_key.prove(data, NONCE)
        own_key.begin(data, "gw-1")

    for _time in range(2):
        with pytest.raises(IdentityError, match="the factory is done with it"):
            own_key.prove(data, NONCE)
        with pytest.raises(IdentityError, match="the factory is done with it"):
            own_key.begin(data, "gw-1")
    with pytest.raises(IdentityError, match="is gw-1 already"):
        own_key.begin(data, "gw-2")
    assert own_key.finish(data, chain, root, 3) == "gw-1"
    with pytest.raises(IdentityError, match="the factory is done with it"):
        own_key.prove(data, NONCE)


def test_an_identity_of_elsewhere_signs_nothing_at_the_console(tmp_path: Path, pki: Pki) -> None:
    data = tmp_path / "data"
    data.mkdir()
    pki.device("gw-1").rename(data / "identity")

    for asked in ({"ask": "new", "device": "gw-1"}, {"ask": "prove", "nonce": NONCE.hex()}):
        said = answers.answering(data)(asked)
        assert said == {"error": "this device has an identity: the factory is done with it"}


def test_what_can_not_be_counted_is_not_signed(
    tmp_path: Path, pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    chain = _signed(pki, own_key.begin(data, "gw-1"))
    own_key.finish(data, chain, pki.servers.file.read_bytes(), 1)

    def full(file: Path, content: bytes, *, mode: int = 0o644) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(est, "write", full)

    for _time in range(20):
        with pytest.raises(OSError, match="No space left"):
            own_key.prove(data, NONCE)


def test_a_certificate_of_a_kind_that_nobody_knows_is_refused(tmp_path: Path, pki: Pki) -> None:
    data = tmp_path / "data"
    chain = x509.load_pem_x509_certificate(_signed(pki, own_key.begin(data, "gw-1")))
    curve = bytes.fromhex("2a8648ce3d0301")
    other = chain.public_bytes(Encoding.DER).replace(curve + b"\7", curve + b"\x70")
    text = ssl.DER_cert_to_PEM_cert(other)

    with pytest.raises(IdentityError, match="sent no certificate"):
        own_key.finish(data, text.encode(), pki.servers.file.read_bytes(), 1)


def test_a_power_cut_at_any_write_leaves_all_or_nothing(
    tmp_path: Path, pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, real = pki.servers.file.read_bytes(), est.write

    for writes in range(8):
        data, left = tmp_path / f"data-{writes}", [writes]

        def cut(file: Path, content: bytes, *, mode: int = 0o644, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] < 0:
                real(file, content[: len(content) // 2], mode=mode)
                raise KeyboardInterrupt
            real(file, content, mode=mode)

        with monkeypatch.context() as patch:
            patch.setattr(est, "write", cut)
            try:
                own_key.finish(data, _signed(pki, own_key.begin(data, "gw-1")), root, 1)
            except KeyboardInterrupt:
                assert not (data / "identity").exists()
        if not (data / "identity").exists():
            own_key.finish(data, _signed(pki, own_key.begin(data, "gw-1")), root, 1)
        assert Identity.read(data / "identity").device == "gw-1"


@pytest.mark.parametrize("bad", [b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END"])
def test_what_is_no_certificate_is_not_taken(tmp_path: Path, pki: Pki, bad: bytes) -> None:
    data = tmp_path / "data"
    chain = _signed(pki, own_key.begin(data, "gw-1"))

    with pytest.raises(IdentityError):
        own_key.finish(data, bad, pki.servers.file.read_bytes(), 1)
    with pytest.raises(IdentityError):
        own_key.finish(data, chain, bad, 1)

    assert not (data / "identity").exists()


def test_a_person_does_it_by_the_command(
    tmp_path: Path, pki: Pki, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "PLACES", Places(data=tmp_path / "data"))
    assert command.main(["identity", "new", "gw-1"]) == 0
    chain = tmp_path / "chain.pem"
    chain.write_bytes(_signed(pki, capsys.readouterr().out.encode()))

    assert command.main(["identity", "put", str(chain), str(pki.servers.file)]) == 0
    assert capsys.readouterr().out == "gw-1\n"
    assert command.main(["identity", "prove", NONCE.hex()]) == 0

    key = x509.load_pem_x509_certificate(chain.read_bytes()).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    signature = bytes.fromhex(capsys.readouterr().out)
    key.verify(signature, proof.message("gw-1", NONCE), ec.ECDSA(hashes.SHA256()))
    assert command.main(["identity", "prove", "00"]) == 1
    assert "is no challenge" in capsys.readouterr().err


def test_the_station_is_served_before_there_is_an_identity_only(
    tmp_path: Path, pki: Pki, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    monkeypatch.setattr(command, "PLACES", Places(data=data))
    (asked,) = frames.pieces(Way.TO_DEVICE, 5, {"ask": "hello"})
    monkeypatch.setattr("sys.stdin", io.StringIO(f"noise\n{asked.line()}\n"))

    assert command.main(["identity", "serve"]) == 0
    said = frames.piece_in(capsys.readouterr().out.strip(), Way.FROM_DEVICE)
    assert said is not None
    assert said.data == b'{"edge":1}'

    own_key.finish(
        data, _signed(pki, own_key.begin(data, "gw-1")), pki.servers.file.read_bytes(), 1
    )
    assert command.main(["identity", "serve"]) == 1
    assert "the factory is done with it" in capsys.readouterr().err


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"ask": "shell"}, id="unknown"),
        pytest.param({"ask": "prove", "nonce": "zz"}, id="bad challenge"),
        pytest.param({"ask": "hello", "more": 1}, id="too much"),
        pytest.param({"ask": "new"}, id="too little"),
        pytest.param({"ask": "put", "chain": 1, "server_ca": [], "epoch": "x"}, id="kinds"),
    ],
)
def test_what_is_asked_wrongly_is_refused(tmp_path: Path, asked: dict[str, object]) -> None:
    said = answers.answering(tmp_path / "data")(asked)

    assert set(said) == {"error"}
    assert not (tmp_path / "data").exists()
