"""Sign a grant for a terminal, with keys of support: in files, or in tokens."""

from collections.abc import Sequence

from securesystemslib.signer import Signer

from edge.errors import InputError
from edge_signing.errors import FormatError
from edge_signing.terminal.grant import Grant, SignedGrant
from edge_signing.terminal.keys import SupportKey
from edge_signing.trust.documents import material


def sign(grant: Grant, signers: Sequence[Signer]) -> SignedGrant:
    """Return a grant with the signatures of these keys.

    Raises:
        InputError: There is no key, one is given twice, or is of another kind.
        EdgeError: A key can not sign.
    """
    if not signers:
        raise InputError("no key signs the grant", hint="add --key file:support-1.pem")
    data = grant.signed_bytes()
    made: dict[str, bytes] = {}
    for signer in signers:
        try:
            id_ = SupportKey(material(signer.public_key)).id
        except FormatError as error:
            raise InputError(f"a key of support: {error}") from error
        if id_ in made:
            raise InputError("a key is given twice: it counts once")
        made[id_] = bytes.fromhex(signer.sign(data).signature)
    return SignedGrant(grant, made)
