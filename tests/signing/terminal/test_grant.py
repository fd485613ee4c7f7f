"""Grants: only the keys of the image, for one device, once, and not for long."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import InputError
from edge.keys.grant import sign
from edge.keys.public import Algorithm
from edge_signing.errors import FormatError, SigningError, TrustError
from edge_signing.terminal.grant import Grant, SignedGrant, Standing, require
from edge_signing.terminal.keys import SupportKeys
from tests.fakes.support import NOW_S, SESSION, Ends, Support


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> Ends:
    folder = tmp_path_factory.mktemp("grants")
    made = Ends.make(folder)
    made.support = Support.make(folder / "three", Algorithm.ED25519, Algorithm.P256)
    return made


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Support:
    return Support.make(tmp_path_factory.mktemp("stranger"))


def standing(ends: Ends, **more: object) -> Standing:
    grant = ends.signed().grant
    usual = Standing(grant.device, grant.epoch, grant.certificate, NOW_S + 1)
    return replace(usual, **more)  # type: ignore[arg-type]


def unused(_session: str) -> bool:
    return False


@pytest.mark.parametrize("which", [(0,), (1,), (0, 1)])
def test_each_kind_of_key_grants(ends: Ends, which: tuple[int, ...]) -> None:
    signed = ends.signed(signers=[ends.support.signers[one] for one in which])

    read = SignedGrant.unpack(signed.pack())

    assert read == signed
    require(read, ends.support.keys, standing(ends), unused)


def test_a_threshold_counts_keys_and_not_signatures(ends: Ends) -> None:
    one, two = ends.support.signers
    keys = SupportKeys(ends.support.keys.keys, 2)

    require(ends.signed(), keys, standing(ends), unused)
    for few in ([one], [two]):
        with pytest.raises(TrustError, match="1 of 2"):
            require(ends.signed(signers=few), keys, standing(ends), unused)
    with pytest.raises(InputError, match="twice"):
        ends.signed(signers=[one, one])
    with pytest.raises(InputError, match="no key"):
        ends.signed(signers=[])


def test_a_key_that_the_image_does_not_name_grants_nothing(ends: Ends, stranger: Support) -> None:
    mixed = [*ends.support.signers, *stranger.signers]
    for signers in (stranger.signers, mixed):
        with pytest.raises(TrustError, match="does not name"):
            require(ends.signed(signers=signers), ends.support.keys, standing(ends), unused)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param({"device": "unit-2"}, "for the device", id="another device"),
        pytest.param({"epoch": 2}, "for the enrolment", id="another enrolment"),
        pytest.param({"certificate": b"\1" * 32}, "certificate", id="another certificate"),
        pytest.param({"now_s": NOW_S + 900}, "good until", id="over"),
        pytest.param({"forgotten_s": NOW_S + 900}, "good until", id="maybe forgotten"),
    ],
)
def test_a_grant_opens_one_device_for_a_while(
    ends: Ends, change: dict[str, object], why: str
) -> None:
    with pytest.raises(TrustError, match=why):
        require(ends.signed(), ends.support.keys, standing(ends, **change), unused)


def test_a_grant_opens_once(ends: Ends) -> None:
    with pytest.raises(TrustError, match="used before"):
        require(ends.signed(), ends.support.keys, standing(ends), lambda one: one == SESSION)


CHANGES: list[Callable[[Grant], Grant]] = [
    lambda one: replace(one, session="00" * 16),
    lambda one: replace(one, device="unit-2"),
    lambda one: replace(one, epoch=9),
    lambda one: replace(one, certificate=b"\0" * 32),
    lambda one: replace(one, key=b"\0" * 32),
    lambda one: replace(one, who="mallory"),
    lambda one: replace(one, reason="no reason"),
    lambda one: replace(one, command="rm -rf /"),
    lambda one: replace(one, idle_s=86_400),
    lambda one: replace(one, longest_s=86_400),
    lambda one: replace(one, issued_at_s=one.issued_at_s + 1),
    lambda one: replace(one, not_after_s=one.not_after_s + 1),
]


@pytest.mark.parametrize("change", CHANGES)
def test_who_carries_a_grant_can_change_nothing_of_it(
    ends: Ends, change: Callable[[Grant], Grant]
) -> None:
    signed = ends.signed()
    forged = SignedGrant(change(signed.grant), signed.signatures)
    here = Standing(forged.grant.device, forged.grant.epoch, forged.grant.certificate, NOW_S)

    with pytest.raises(TrustError, match="is wrong"):
        require(forged, ends.support.keys, here, unused)


@given(data=st.data())
def test_no_byte_of_a_grant_can_be_another(ends: Ends, data: st.DataObject) -> None:
    packed = ends.signed().pack()
    at = data.draw(st.integers(0, len(packed) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda one: one != packed[at]))
    forged = packed[:at] + bytes([other]) + packed[at + 1 :]

    with pytest.raises(SigningError):
        require(SignedGrant.unpack(forged), ends.support.keys, standing(ends), unused)


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"holds_s": 86_401}, id="for too long"),
        pytest.param({"holds_s": 0}, id="for no time"),
        pytest.param({"idle_s": 0}, id="no idle time"),
        pytest.param({"command": "a\0b"}, id="a command with a zero"),
        pytest.param({"who": "jo\x1b[2J"}, id="a name with an escape"),
    ],
)
def test_what_no_device_would_read_is_not_signed(ends: Ends, more: dict[str, object]) -> None:
    with pytest.raises(FormatError):
        ends.person(**more)  # type: ignore[arg-type]


def test_the_bytes_that_are_signed_never_change() -> None:
    grant = Grant("ab" * 16, "unit-1", 3, b"\1" * 32, b"\2" * 32, "jo", "why", "id", 1, 2, 10, 20)

    assert grant.signed_bytes() == (
        b'{"_type":"terminal-grant","certificate":"' + b"01" * 32 + b'","command":"id",'
        b'"device":"unit-1","epoch":3,"format":1,"idle_s":1,"issued_at_s":10,"key":"'
        + b"02" * 32
        + b'","longest_s":2,"not_after_s":20,"reason":"why","session":"'
        + b"ab" * 16
        + b'","who":"jo"}'
    )


def test_a_grant_of_a_token_is_one_of_its_key(ends: Ends, tmp_path: Path) -> None:
    """What signs is behind securesystemslib: the key ids of TUF play no part."""
    again = Support(tmp_path, ends.support.signers[:1])
    signed = sign(ends.signed().grant, again.signers)

    assert set(signed.signatures) == {ends.support.keys.keys[0].id}
