"""Sign what waits in a repository with the keys that are here."""

from edge.keys import request
from edge.keys.request import pieces
from edge.keys.ring import Ring
from edge.keys.secrets import Secrets
from edge.repository.repository import Repository


def sign_here(repository: Repository, ring: Ring, ask: Secrets) -> dict[str, int]:
    """Add the signatures of the keys that are here, and return how many each file still needs."""
    waiting = repository.waiting()
    if waiting is None:
        return {}
    signers = {
        signer.public_key.keyid: signer
        for piece in pieces(waiting)
        for delegator in piece.delegators
        for signer in ring.signers_for(delegator, piece.role, ask)
    }
    signed, _made = request.sign(waiting, signers.values())
    request.write(signed, repository.pending / request.FILE)
    return {piece.name: piece.missing for piece in pieces(signed) if piece.missing}
