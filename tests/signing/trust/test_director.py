"""Orders of the director: for one device and enrolment, never more than was released."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from edge.repository.order import sign_order
from edge_signing import canonical
from edge_signing.errors import FormatError, SigningError, TrustError
from edge_signing.trust import director, documents, signatures
from edge_signing.trust.director import Order
from edge_signing.trust.offline import Target
from edge_signing.trust.sighting import UNSEEN, Sighting
from tests.fakes.forge import NOW, PATH, PRODUCT, Yard
from tests.thoroughness import SOME_OR_ALL

DEVICE = "unit-7"


def order(yard: Yard, *, version: int = 3, epoch: int = 2, device: str = DEVICE) -> bytes:
    targets = yard.repository.targets(PRODUCT)
    return sign_order(yard.ring, targets, device=device, epoch=epoch, version=version, now=yard.now)


def seen(yard: Yard, version: int) -> Sighting:
    targets = yard.ring.targets().signed
    return signatures.seen(targets, "director", version=version, root_version=1)


def verify(yard: Yard, document: bytes, **words: Any) -> Order:
    settings: dict[str, Any] = {
        "targets": yard.ring.targets().signed,
        "device": DEVICE,
        "epoch": 2,
        "root_version": 1,
        "floor": seen(yard, 3),
        "now": NOW,
    }
    return director.verify(document, **(settings | words))


def test_an_order_for_this_device_is_taken(yard: Yard) -> None:
    found = verify(yard, order(yard))

    assert (found.version, set(found.targets)) == (3, {PATH})
    released = yard.look().targets(PRODUCT)
    assert director.agreed(found, released) == released


@pytest.mark.parametrize(
    ("made", "message"),
    [
        ({"device": "unit-8"}, "for the device 'unit-8'"),
        ({"epoch": 1}, "for the enrolment 1, not 2"),
        ({"epoch": 3}, "for the enrolment 3, not 2"),
        ({"version": 2}, "version 2 is below 3"),
    ],
)
def test_an_order_that_is_not_for_this_device_now_is_refused(
    yard: Yard, made: dict[str, Any], message: str
) -> None:
    with pytest.raises(TrustError, match=message):
        verify(yard, order(yard, **made))


def test_a_new_enrolment_starts_the_versions_again(yard: Yard) -> None:
    assert verify(yard, order(yard, epoch=3, version=1), epoch=3, floor=UNSEEN).version == 1


def test_an_expired_order_is_refused(yard: Yard) -> None:
    with pytest.raises(TrustError, match=r"director.json: expired"):
        verify(yard, order(yard), now=NOW + timedelta(days=1))


@pytest.mark.parametrize("key", [PRODUCT, "targets", "timestamp"])
def test_an_order_signed_by_another_role_is_refused(yard: Yard, key: str) -> None:
    metadata = documents.read_any(order(yard), "order")
    metadata.signatures.clear()
    for signer in yard.signers(key):
        metadata.sign(signer)

    with pytest.raises(TrustError, match="0 of 1 signatures of the role director"):
        verify(yard, documents.to_bytes(metadata))


def test_metadata_of_a_product_is_no_order(yard: Yard) -> None:
    with pytest.raises(TrustError):
        verify(yard, documents.to_bytes(yard.load(PRODUCT)))


@pytest.mark.parametrize("step", SOME_OR_ALL)
def test_each_flipped_byte_of_an_order_is_refused(yard: Yard, step: int) -> None:
    document = order(yard)
    for place in range(0, len(document), step):
        spoilt = bytearray(document)
        spoilt[place] ^= 1
        with pytest.raises(SigningError):
            verify(yard, bytes(spoilt))


@pytest.mark.parametrize("fields", [{}, {"device": DEVICE}, {"device": DEVICE, "epoch": "2"}])
def test_an_order_without_its_fields_is_refused(yard: Yard, fields: dict[str, Any]) -> None:
    metadata = documents.read_any(order(yard), "order")
    metadata.signed.unrecognized_fields = fields
    metadata.signatures.clear()
    for signer in yard.signers("director"):
        metadata.sign(signer)

    with pytest.raises(FormatError, match="the fields of a director"):
        verify(yard, documents.to_bytes(metadata))


def test_what_nobody_released_is_not_installed(yard: Yard) -> None:
    found = verify(yard, order(yard))

    with pytest.raises(TrustError, match="no release role names it"):
        director.agreed(found, {})


@pytest.mark.parametrize("change", [{"sha256": "0" * 64}, {"length_bytes": 1}])
def test_other_bytes_than_were_released_are_not_installed(
    yard: Yard, change: dict[str, Any]
) -> None:
    found = verify(yard, order(yard))
    released: dict[str, Target] = {
        path: replace(one, **change) for path, one in found.targets.items()
    }

    with pytest.raises(TrustError, match="other bytes"):
        director.agreed(found, released)


@pytest.mark.parametrize("device", ["", "a/b", "+", "ä", "x" * 65])
def test_no_order_is_made_for_what_is_no_device(yard: Yard, device: str) -> None:
    with pytest.raises(FormatError):
        order(yard, device=device)


def test_no_client_finds_a_release_by_the_director(yard: Yard) -> None:
    """A thief of the director's key signs for releases: nobody asks him."""
    content = canonical.decode(order(yard))
    assert content["signed"]["targets"]
    roles = yard.ring.targets().signed.delegations
    assert roles is not None
    assert roles.roles is not None

    assert not roles.roles["director"].is_delegated_path(PATH)
