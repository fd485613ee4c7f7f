"""Authorities of a factory and its stations, judged by OpenSSL."""

import ssl
import stat
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from edge.errors import InputError, RefusedError, ThingNotFoundError, UntrustedError
from edge.factory.identity import authority, chain, naming, sealing, station
from edge.factory.identity.grant import Grant
from edge.keys import file_key
from edge.keys.public import Algorithm
from edge.keys.secrets import nobody
from edge_agent import est
from edge_signing.errors import FormatError
from tests.edge.factory.identity.conftest import NOW, YEAR, Line, Openssl, new_request
from tests.fakes.token import Token

VERIFY = ("verify", "-x509_strict", "-policy_check", "-purpose", "sslclient")


def _signed(
    line: Line, folder: Path, name: x509.Name, *, hosts: tuple[str, ...] = (), is_ca: bool = False
) -> Path:
    """Return what a thief with the key of the station could sign."""
    own = line.station()
    key = ec.generate_private_key(ec.SECP256R1())
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (folder / "stolen.key").write_bytes(key.private_bytes(pem, form, serialization.NoEncryption()))
    issuer = own.certificate.subject
    made = authority.draft(name, issuer, key.public_key(), now=NOW, end=NOW + YEAR)
    made = made.add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
    made = made.add_extension(authority.issued_by(own.certificate), critical=False)
    if hosts:
        names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
        made = made.add_extension(names, critical=False)
    authority.write(folder / "stolen.crt", [sealing.certificate(made, own.signer)])
    return folder / "stolen.crt"


def test_openssl_takes_a_device_of_a_station(line: Line, openssl: Openssl) -> None:
    device = line.device("gw-000001")
    chain_file = device.folder / "device.crt"

    said = openssl(*VERIFY, "-CAfile", line.root, "-untrusted", chain_file, chain_file)

    assert said.rstrip().endswith(": OK")
    text = openssl("x509", "-in", chain_file, "-noout", "-subject")
    assert text.strip() == "subject=O = gateway, OU = S1, CN = gw-000001"
    found = chain.verified(device.made.chain_pem, [line.factory.certificate], now=NOW)
    assert (found.device, found.key_sha256) == ("gw-000001", device.made.key_sha256)
    assert found.serial_hex == device.made.serial_hex
    assert (found.grant.station, found.grant.devices) == ("S1", 3)


@pytest.mark.parametrize(
    ("name", "hosts", "why"),
    [
        pytest.param(("gateway", "S2", "gw-1"), (), "permitted subtree", id="of S2"),
        pytest.param(("other", "S1", "gw-1"), (), "permitted subtree", id="other product"),
        pytest.param(("gateway", "S1", "console.server"), (), "excluded", id="a host"),
        pytest.param(("gateway", "S1", "gw-1"), ("a.example",), "excluded", id="alt name"),
    ],
)
def test_openssl_holds_a_stolen_station_within_its_names(
    line: Line,
    openssl: Openssl,
    tmp_path: Path,
    name: tuple[str, str, str],
    hosts: tuple[str, ...],
    why: str,
) -> None:
    stolen = _signed(line, tmp_path, naming.device(*name), hosts=hosts)
    listed = next((line.folder / "ca/stations").glob("S1.*.crt"))

    said = openssl("verify", "-CAfile", line.root, "-untrusted", listed, stolen)

    assert "OK" not in said
    assert why in said


def test_openssl_takes_no_authority_below_a_station(
    line: Line, openssl: Openssl, tmp_path: Path
) -> None:
    above = _signed(line, tmp_path, naming.device("gateway", "S1", "gw-1"), is_ca=True)
    name = naming.device("gateway", "S1", "gw-2")
    key = serialization.load_pem_private_key((tmp_path / "stolen.key").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    issuer = x509.load_pem_x509_certificate(above.read_bytes()).subject
    draft = authority.draft(name, issuer, key.public_key(), now=NOW, end=NOW + YEAR)
    authority.write(tmp_path / "below.crt", [draft.sign(key, hashes.SHA256())])
    listed = next((line.folder / "ca/stations").glob("S1.*.crt"))
    (tmp_path / "all.crt").write_bytes(listed.read_bytes() + above.read_bytes())

    said = openssl(
        "verify", "-CAfile", line.root, "-untrusted", tmp_path / "all.crt", tmp_path / "below.crt"
    )

    assert "path length constraint exceeded" in said


def test_openssl_takes_no_server_of_a_station(line: Line, openssl: Openssl) -> None:
    file = line.device("gw-1").folder / "device.crt"

    said = openssl(
        "verify", "-purpose", "sslserver", "-CAfile", line.root, "-untrusted", file, file
    )

    assert "unsuitable certificate purpose" in said or "unsupported certificate purpose" in said


@pytest.mark.parametrize(
    ("name", "why"),
    [
        pytest.param(("gateway", "S1", "xx-1"), "makes gw-* only", id="prefix"),
        pytest.param(("gateway", "S2", "gw-1"), "not a device of station S1", id="station"),
    ],
)
def test_what_x509_can_not_say_is_refused_by_us(
    line: Line, tmp_path: Path, name: tuple[str, str, str], why: str
) -> None:
    stolen = _signed(line, tmp_path, naming.device(*name)).read_bytes()
    listed = next((line.folder / "ca/stations").glob("S1.*.crt")).read_bytes()

    with pytest.raises(UntrustedError, match=why.replace("*", r"\*")):
        chain.verified(stolen + listed, [line.factory.certificate], now=NOW)


def test_a_chain_of_another_factory_is_refused(line: Line, tmp_path: Path) -> None:
    device = line.device("gw-1")
    uri = f"file:{tmp_path}/other.pem"
    other = authority.create(tmp_path / "other", uri, product="gateway", now=NOW)

    with pytest.raises(UntrustedError, match="no factory that is known"):
        chain.verified(device.made.chain_pem, [other.certificate], now=NOW)
    with pytest.raises(UntrustedError, match="not valid now"):
        chain.verified(
            device.made.chain_pem, [line.factory.certificate], now=NOW + timedelta(days=50 * 365)
        )


def test_each_byte_of_a_chain_counts(line: Line) -> None:
    made = line.device("gw-1").made.chain_pem
    ders = [
        one.public_bytes(serialization.Encoding.DER)
        for one in x509.load_pem_x509_certificates(made.encode())
    ]

    for which in range(2):
        for place in range(0, len(ders[which]), 17):
            bad = bytearray(ders[which])
            bad[place] ^= 1
            pems = [ssl.DER_cert_to_PEM_cert(one) for one in ders]
            pems[which] = ssl.DER_cert_to_PEM_cert(bytes(bad))
            with pytest.raises(UntrustedError):
                chain.verified("".join(pems), [line.factory.certificate], now=NOW)


def test_the_same_key_gets_the_same_certificate_and_counts_once(line: Line) -> None:
    own, request = line.station(), new_request("gw-1")

    first = own.issue_device(request, "gw-1", now=NOW)
    again = line.station().issue_device(request, "gw-1", now=NOW + 2 * YEAR)

    assert first == again
    assert line.station().left == 2


def test_a_station_stops_at_its_count(line: Line) -> None:
    own = line.station()
    for number in range(3):
        own.issue_device(new_request(f"gw-{number}"), f"gw-{number}", now=NOW)

    with pytest.raises(RefusedError, match="all 3 certificates are used"):
        own.issue_device(new_request("gw-4"), "gw-4", now=NOW)
    with pytest.raises(RefusedError, match="all 3"):
        line.station().issue_device(new_request("gw-4"), "gw-4", now=NOW)


def test_a_station_stops_at_its_end(line: Line) -> None:
    with pytest.raises(RefusedError, match="its time ended") as caught:
        line.station().issue_device(new_request("gw-1"), "gw-1", now=NOW + 2 * YEAR)

    assert "renew S1" in str(caught.value.hint)


def test_what_may_not_be_signed_is_refused_and_not_counted(line: Line) -> None:
    own, weak = line.station(), rsa.generate_private_key(public_exponent=65537, key_size=1024)

    with pytest.raises(RefusedError, match=r"makes devices gw-\*"):
        own.issue_device(new_request("xx-1"), "xx-1", now=NOW)
    with pytest.raises(UntrustedError, match="the request is of"):
        own.issue_device(new_request("gw-1"), "gw-2", now=NOW)
    with pytest.raises(InputError, match="no request"):
        own.issue_device(b"nothing", "gw-1", now=NOW)
    with pytest.raises(InputError, match="P-256"):
        own.issue_device(weak.public_key(), "gw-1", now=NOW)  # type: ignore[arg-type]
    assert own.left == 3


def test_a_changed_board_gets_a_new_certificate_and_the_old_one_is_told(line: Line) -> None:
    own = line.station()
    first = own.issue_device(old := new_request("gw-1"), "gw-1", now=NOW)

    with pytest.raises(RefusedError, match="certificate of another key"):
        own.issue_device(new_request("gw-1"), "gw-1", now=NOW)
    second = own.issue_device(new_request("gw-1"), "gw-1", now=NOW, again=True)

    assert second.retired == (first.serial_hex,)
    with pytest.raises(RefusedError, match="this key of it was retired"):
        own.issue_device(old, "gw-1", now=NOW, again=True)


def test_two_boards_with_one_key_are_told(line: Line) -> None:
    own, key = line.station(), ec.generate_private_key(ec.SECP256R1())
    own.issue_device(est.request(key, "gw-1"), "gw-1", now=NOW)

    with pytest.raises(RefusedError, match="its key is that of gw-1"):
        own.issue_device(est.request(key, "gw-2"), "gw-2", now=NOW)


def test_a_renewed_station_counts_anew_and_remembers(line: Line) -> None:
    first = line.device("gw-1")
    with pytest.raises(RefusedError, match="has an authority"):
        station.issue(line.factory, "S1", prefix="gw-", devices=5, lifetime=YEAR, now=NOW)
    old = line.station()

    station.issue(line.factory, "S1", prefix="gw-", devices=5, lifetime=YEAR, now=NOW, renew=True)

    own = line.station()
    assert own.left == 5
    assert own.certificate != old.certificate
    with pytest.raises(RefusedError, match="certificate of another key"):
        own.issue_device(new_request("gw-1"), "gw-1", now=NOW)
    made = own.issue_device(new_request("gw-1"), "gw-1", now=NOW, again=True)
    assert made.retired == (first.made.serial_hex,)
    earlier = station.open_station(own.folder, nobody, serial=f"{old.certificate.serial_number:x}")
    assert earlier.certificate == old.certificate
    assert len(line.factory.stations("S1")) == 2


def test_a_line_that_a_power_cut_has_torn_was_never_given_out(line: Line) -> None:
    line.device("gw-1")
    (file,) = line.station().folder.glob("issued.*.jsonl")
    whole = file.read_bytes()
    line.device("gw-2")
    both = file.read_bytes()

    for cut in range(len(whole), len(both), 97):
        file.write_bytes(both[:cut])
        own = line.station()
        assert own.left == 2
        own.issue_device(new_request("gw-3"), "gw-3", now=NOW)
        assert file.read_bytes().count(b"\n") == 2


def test_a_damaged_record_of_what_was_signed_stops_the_station(line: Line) -> None:
    line.device("gw-1")
    line.device("gw-2")
    (file,) = line.station().folder.glob("issued.*.jsonl")
    lines = file.read_bytes().splitlines(keepends=True)

    file.write_bytes(lines[1])

    with pytest.raises(InputError, match=r"issued\..*\.jsonl:1"):
        line.station()


def test_two_programs_of_one_station_do_not_exceed_its_count(line: Line) -> None:
    one, other = line.station(), line.station()
    one.issue_device(new_request("gw-1"), "gw-1", now=NOW)

    with pytest.raises(RefusedError, match="another program"):
        other.issue_device(new_request("gw-2"), "gw-2", now=NOW)


def test_threads_of_a_station_share_its_count(line: Line) -> None:
    own, ended = line.station("S2", devices=20), []

    def work(number: int) -> None:
        for each in range(4):
            name = f"gw-{number}-{each}"
            try:
                ended.append(own.issue_device(new_request(name), name, now=NOW).serial_hex)
            except RefusedError:
                ended.append("")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert ended.count("") == 12
    assert len(set(ended)) == 21
    assert line.station("S2").left == 0


def test_keys_are_for_their_owner_only(line: Line, tmp_path: Path) -> None:
    own = line.station()

    for file in (tmp_path / "safe/factory.pem", own.folder / "station.pem"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    secret = [
        one for one in line.folder.rglob("*") if one.is_file() and b"PRIVATE" in one.read_bytes()
    ]
    assert secret == [own.folder / "station.pem"]
    (own.folder / "station.pem").chmod(0o644)
    with pytest.raises(RefusedError, match="others may read it"):
        line.station()


def test_a_key_in_a_token_signs_for_stations(
    token: Token, tmp_path: Path, openssl: Openssl
) -> None:
    made = authority.create(tmp_path / "line", token.uri("factory"), product="gateway", now=NOW)
    line = Line(authority.open(tmp_path / "line", nobody))

    file = line.device("gw-1").folder / "device.crt"

    assert made.certificate == line.factory.certificate
    said = openssl(*VERIFY, "-CAfile", line.root, "-untrusted", file, file)
    assert said.rstrip().endswith(": OK")


def test_an_authority_is_made_once_and_its_key_lies_elsewhere(tmp_path: Path) -> None:
    uri = f"file:{tmp_path}/key.pem"
    made = authority.create(tmp_path / "line", uri, product="gateway", now=NOW)

    with pytest.raises(RefusedError, match="has an authority already"):
        authority.create(tmp_path / "line", uri, product="gateway", now=NOW)
    inner = f"file:{tmp_path}/other/ca/key.pem"
    with pytest.raises(RefusedError, match="in the folder of the line"):
        authority.create(tmp_path / "other", inner, product="gateway", now=NOW)
    assert authority.open(tmp_path / "line", nobody).certificate == made.certificate
    (tmp_path / "key.pem").unlink()
    file_key.make(tmp_path / "key.pem", Algorithm.P256)
    with pytest.raises(UntrustedError, match="not the key of"):
        authority.open(tmp_path / "line", nobody)


def test_an_authority_that_can_not_be_is_refused(tmp_path: Path) -> None:
    file_key.make(tmp_path / "ed.pem", Algorithm.ED25519)

    with pytest.raises(InputError, match="is of P-256, this one is ed25519"):
        authority.create(tmp_path / "line", f"file:{tmp_path}/ed.pem", product="gateway", now=NOW)
    with pytest.raises(InputError, match="can not be that of a product"):
        authority.create(tmp_path / "line", f"file:{tmp_path}/k.pem", product="a b", now=NOW)
    with pytest.raises(ThingNotFoundError):
        authority.open(tmp_path / "line", nobody)
    assert not (tmp_path / "line/ca/factory.crt").exists()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        pytest.param({"station_name": "../S1"}, "station", id="name"),
        pytest.param({"prefix": "gw."}, "prefix", id="prefix"),
        pytest.param({"devices": 0}, "devices", id="count"),
        pytest.param({"lifetime": timedelta(days=4000)}, "days", id="time"),
    ],
)
def test_a_station_that_can_not_be_is_refused(
    line: Line, words: dict[str, object], why: str
) -> None:
    asked = {"station_name": "S9", "prefix": "gw-", "devices": 9, "lifetime": YEAR, **words}

    with pytest.raises(InputError, match=why):
        station.issue(line.factory, now=NOW, **asked)  # type: ignore[arg-type]

    assert not (line.folder / "stations").exists()


def test_a_grant_has_one_form() -> None:
    grant = Grant("S1", "gateway", "gw-", 1000, 1_790_000_000)

    assert grant.extension().value == (
        b'\x0cW{"devices":1000,"prefix":"gw-","product":"gateway","station":"S1",'
        b'"until_s":1790000000}'
    )
    with pytest.raises(FormatError):
        Grant._unpack(grant.extension().value[2:].replace(b"1000", b"0"))
