"""Verify that enough people approved what a device is ordered to install.

A signature of a key that is not known here counts nothing: other devices of the roll-out may know
other people. One of a known key that is wrong makes the whole approval void.
"""

import hashlib
from typing import Any, Final

from securesystemslib.exceptions import UnverifiedSignatureError
from securesystemslib.formats import encode_canonical
from securesystemslib.signer import Signature, SSlibKey

from edge_signing.approval import Approval, Approver, Approvers, Statement
from edge_signing.errors import TrustError
from edge_signing.trust import documents
from edge_signing.trust.documents import material
from edge_signing.trust.offline import Target

_SCHEMES: Final = {"ed25519": documents.ED25519, "p256": documents.P256}


def require(document: bytes, approvers: Approvers, ordered: Target, *, now_s: int) -> Statement:
    """See to it that enough people approved a release, and return what they approved.

    Args:
        document: The packed approval; empty for none.
        approvers: Who may approve here.
        ordered: The document of the release, as the release role names it.
        now_s: The time that counts, seconds since 1970.

    Raises:
        TrustError: Too few did, it is of another release, too late, or a signature is wrong.
        FormatError: It is no approval, or a key of the image is none.
    """
    if not document:
        raise TrustError(
            f"{ordered.path}: nobody approved it, {approvers.threshold} of"
            f" {len(approvers.keys)} have to"
        )
    approval = Approval.unpack(document)
    count = len(signed_by(approval, approvers))
    if count < approvers.threshold:
        raise TrustError(
            f"{ordered.path}: {count} of {approvers.threshold} approvals that are wanted here"
        )
    _require_covered(approval.statement, ordered, now_s)
    return approval.statement


def signed_by(approval: Approval, approvers: Approvers) -> set[bytes]:
    """Return the materials of those keys that signed.

    Raises:
        TrustError: A signature of one of them is wrong.
        FormatError: A key of the image is none.
    """
    known = {key.keyid: key for key in map(key_of, approvers.keys)}
    data, found = approval.statement.pack(), set[bytes]()
    for one in approval.signatures:
        if key := known.get(one.keyid):
            try:
                key.verify_signature(Signature(one.keyid, one.sig.hex()), data)
            except UnverifiedSignatureError as error:
                raise TrustError(f"approval: the signature of {one.keyid[:8]} is wrong") from error
            found.add(material(key))
    return found


def key_of(approver: Approver) -> SSlibKey:
    """Return a key as TUF has it, with its id.

    Raises:
        FormatError: It is none.
    """
    kind, scheme = _SCHEMES[approver.algorithm]
    value = {"public": approver.public}
    form: dict[str, Any] = {"keytype": kind, "scheme": scheme, "keyval": value}
    key_id = hashlib.sha256(str(encode_canonical(form)).encode()).hexdigest()
    key = SSlibKey(key_id, kind, scheme, value)
    material(key)
    return key


def _require_covered(statement: Statement, ordered: Target, now_s: int) -> None:
    if now_s > statement.not_after_s:
        raise TrustError(
            f"{ordered.path}: its approval ended {now_s - statement.not_after_s} s ago"
        )
    approved = statement.releases.get(ordered.path)
    if approved is None:
        raise TrustError(f"{ordered.path}: the approval is of other releases")
    if (approved.length_bytes, approved.sha256.hex()) != (ordered.length_bytes, ordered.sha256):
        raise TrustError(f"{ordered.path}: other bytes were approved than are ordered")
