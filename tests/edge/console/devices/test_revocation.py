"""Lists of revoked certificates: what they have to be, and when they count."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from edge.console.devices import revocation
from edge.console.devices.list_watch import ListWatch
from edge.console.devices.revocation import Lists
from edge.errors import EdgeError, InputError
from tests.fakes.pki import Authority, Pki

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
_Change = Callable[[x509.CertificateRevocationListBuilder], x509.CertificateRevocationListBuilder]


def listed(
    authority: Authority,
    *serials: int,
    begins: datetime = NOW - DAY,
    ends: datetime | None = NOW + 30 * DAY,
    change: _Change = lambda one: one,
    encoding: serialization.Encoding = serialization.Encoding.PEM,
) -> bytes:
    """Return a list of an authority."""
    builder = x509.CertificateRevocationListBuilder().issuer_name(authority._certificate().subject)
    builder = builder.last_update(begins).next_update(ends or NOW)
    for serial in serials:
        one = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(begins)
        builder = builder.add_revoked_certificate(one.build())
    return change(builder).sign(authority._key(), hashes.SHA256()).public_bytes(encoding)


def ca(authority: Authority) -> x509.Certificate:
    return authority._certificate()


@pytest.fixture
def other(tmp_path: Path) -> Authority:
    return Authority.make(tmp_path / "other", "other-ca")


@pytest.mark.parametrize("encoding", [serialization.Encoding.PEM, serialization.Encoding.DER])
def test_a_list_is_read_in_pem_and_der(pki: Pki, encoding: serialization.Encoding) -> None:
    data = listed(pki.factory, 5, 7, encoding=encoding)

    found = revocation.read(data, "list", [ca(pki.factory)])

    assert sorted(one.serial for one in found.numbers) == ["5", "7"]
    assert found.pem.startswith(b"-----BEGIN X509 CRL")


def test_a_list_of_nobody_who_is_known_is_refused(pki: Pki, other: Authority) -> None:
    with pytest.raises(InputError, match="no authority"):
        revocation.read(listed(other, 5), "list", [ca(pki.factory)])


def test_a_list_that_another_signed_in_the_name_of_an_authority_is_refused(
    pki: Pki, tmp_path: Path
) -> None:
    thief = Authority.make(tmp_path / pki.folder.name, "factory-ca")
    assert ca(thief).subject == ca(pki.factory).subject

    with pytest.raises(InputError, match="no authority"):
        revocation.read(listed(thief, 5), "list", [ca(pki.factory)])


def test_a_byte_that_is_flipped_is_found(pki: Pki) -> None:
    good = listed(pki.factory, 5, encoding=serialization.Encoding.DER)

    for place in range(len(good)):
        flipped = bytearray(good)
        flipped[place] ^= 1
        try:
            found = revocation.read(bytes(flipped), "list", [ca(pki.factory)])
        except InputError:
            continue
        pytest.fail(f"byte {place}: {found}")


def test_a_list_of_a_part_is_refused(pki: Pki) -> None:
    part = x509.IssuingDistributionPoint(None, None, True, False, None, False, False)
    data = listed(pki.factory, 5, change=lambda one: one.add_extension(part, critical=True))

    with pytest.raises(InputError, match="critical extension"):
        revocation.read(data, "list", [ca(pki.factory)])


@pytest.mark.parametrize("data", [b"", b"not a list", b"-----BEGIN X509 CRL-----\nAAAA\n"])
def test_what_is_no_list_is_refused(pki: Pki, data: bytes) -> None:
    with pytest.raises(InputError, match="no list of revoked"):
        revocation.read(data, "list", [ca(pki.factory)])


def test_lists_are_enforced_while_each_authority_has_one_that_is_current(
    pki: Pki, other: Authority
) -> None:
    both = [ca(pki.factory), ca(other)]
    one = revocation.read(listed(pki.factory, 5), "one", both)
    two = revocation.read(listed(other, 6, ends=NOW + DAY), "two", both)

    alone = revocation.together([one], both, NOW)
    whole = revocation.together([one, two], both, NOW)
    late = revocation.together([one, two], both, NOW + 2 * DAY)
    early = revocation.together([one, two], both, NOW - 2 * DAY)

    assert [len(each.enforced) for each in (alone, whole, late, early)] == [0, 2, 0, 0]
    assert [len(each.known) for each in (alone, whole, late, early)] == [1, 2, 2, 2]
    assert [bool(each.pem) for each in (alone, whole, late, early)] == [False, True, False, False]


class Watched:
    """A file that is watched, at a time that the test says."""

    def __init__(self, file: Path, authority: Authority) -> None:
        self.file, self.authority, self.now = file, authority, NOW
        self.taken: list[Lists] = []
        self.is_broken = False
        self.watch = ListWatch([file], self._authorities, self._take, now=lambda: self.now)

    async def _authorities(self) -> list[x509.Certificate]:
        return [ca(self.authority)]

    async def _take(self, lists: Lists, _authorities: Sequence[x509.Certificate]) -> None:
        if self.is_broken:
            raise EdgeError("the broker is not there")
        self.taken.append(lists)

    def put(self, data: bytes) -> None:
        aside = self.file.with_suffix(".new")
        aside.write_bytes(data)
        aside.rename(self.file)

    def look(self) -> list[str]:
        """Look, and return the serials that the broker is to refuse then."""
        asyncio.run(self.watch.look())
        return sorted(one.serial for one in self.taken[-1].enforced)


@pytest.fixture
def watched(tmp_path: Path, pki: Pki) -> Watched:
    one = Watched(tmp_path / "factory.crl", pki.factory)
    one.put(listed(pki.factory, 5))
    asyncio.run(one.watch.begin())
    return one


def test_a_list_is_read_again_when_it_has_changed_and_only_then(watched: Watched, pki: Pki) -> None:
    assert watched.look() == ["5"]
    watched.put(listed(pki.factory, 5, 6, begins=NOW))

    assert [watched.look(), watched.look()] == [["5", "6"], ["5", "6"]]
    assert len(watched.taken) == 2


@pytest.mark.parametrize("what", ["older", "broken", "gone", "strange"])
def test_what_is_no_newer_list_changes_nothing(
    watched: Watched, pki: Pki, other: Authority, what: str
) -> None:
    if what == "gone":
        watched.file.unlink()
    else:
        older = listed(pki.factory, begins=NOW - 2 * DAY)
        watched.put({"older": older, "broken": b"x", "strange": listed(other, 6)}[what])

    assert watched.look() == ["5"]
    watched.put(listed(pki.factory, 7, begins=NOW))
    assert watched.look() == ["7"]


def test_a_list_is_taken_from_the_broker_before_it_ends(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    watched.now = NOW + 29 * DAY
    warned = watched.look()
    told = caplog.text
    watched.now = NOW + 30 * DAY - timedelta(seconds=100)

    assert (warned, watched.look()) == (["5"], [])
    assert "put a new list there before" in told
    assert "has ended" in caplog.text
    assert [one.serial for one in watched.taken[-1].known] == ["5"]


def test_a_list_that_the_broker_did_not_take_is_handed_on_again(watched: Watched, pki: Pki) -> None:
    watched.put(listed(pki.factory, 5, 6, begins=NOW))
    watched.is_broken = True
    with pytest.raises(EdgeError):
        watched.look()
    watched.is_broken = False

    assert watched.look() == ["5", "6"]


def test_a_file_that_is_wrong_at_the_start_is_told(tmp_path: Path, pki: Pki) -> None:
    one = Watched(tmp_path / "none.crl", pki.factory)

    with pytest.raises(InputError, match=r"none\.crl: No such file"):
        asyncio.run(one.watch.begin())
