"""Approve a roll-out with a key of one's own; the console that rolls out never has it."""

from collections.abc import Iterable

from securesystemslib.signer import Signer, SSlibKey

from edge.errors import InputError
from edge.keys.public import algorithm_of
from edge_signing.approval import Approval, Approver, Approvers, Signature, Statement


def sign_approval(statement: Statement, signer: Signer) -> Signature:
    """Return the signature of somebody who approves a statement.

    Args:
        statement: What is approved.
        signer: Of the person's own key: `edge.keys.signers.open_signer`.

    Raises:
        EdgeError: The key can not be had.
    """
    made = signer.sign(statement.pack())
    return Signature(made.keyid, bytes.fromhex(made.signature))


def approved(statement: Statement, signatures: Iterable[Signature]) -> Approval:
    """Return what is sent to devices; the last signature of a key counts."""
    found = {one.keyid: one for one in signatures}
    return Approval(statement, tuple(found[keyid] for keyid in sorted(found)))


def approvers(keys: Iterable[SSlibKey], threshold: int) -> Approvers:
    """Return what the image of a device says of who may approve: `approvals` of its agent.json.

    Raises:
        InputError: So many can never approve.
    """
    found = tuple(Approver(algorithm_of(key).value, str(key.keyval["public"])) for key in keys)
    if not 1 <= threshold <= len(found):
        raise InputError(f"{threshold} of {len(found)} people can not approve")
    return Approvers(threshold, found)
