"""Which payload to take: the one that sends the fewest bytes of those that can be used."""

from collections.abc import Callable, Iterable

from edge_agent.payload.bundle import Offer
from edge_signing.errors import TrustError
from edge_signing.release import Content, Partition


def smallest(
    offers: Iterable[Offer], partition: Partition, has_base: Callable[[Content], bool]
) -> Offer:
    """Return the offer for a partition with the fewest bytes whose base is there, if it needs one.

    Args:
        offers: All that a bundle or repository brings; chunks are not for those who have it all.
        partition: Which image is wanted.
        has_base: Whether an image with these contents is there; asked from the smallest on.

    Raises:
        TrustError: There is none.
    """
    fitting = [offer for offer in offers if offer.payload.partition == partition]
    for offer in sorted(fitting, key=lambda offer: offer.payload.total_bytes):
        match offer.payload.kind:
            case "full":
                return offer
            case "patch":
                if offer.payload.base is not None and has_base(offer.payload.base):
                    return offer
            case "chunks":
                continue
    needs = "none" if not fitting else "patches from another image only"
    raise TrustError(
        f"image {partition}: no payload can be used here: {needs}",
        hint="use a full bundle, or give the image that the patch was made from",
    )
