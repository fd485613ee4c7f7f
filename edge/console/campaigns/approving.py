"""Approvals of campaigns: who agreed, and what he signed for devices that want that.

The console keeps signatures and hands them on; it has none of the keys. Devices whose image names
approvers decide for themselves whether it is enough.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Select, insert, select

from edge.console.campaigns import plan as plans
from edge.console.campaigns.store import Stored
from edge.console.releases import FOREIGN, Release
from edge.console.repository.vault import Vault
from edge.console.store.campaign_tables import CAMPAIGN_APPROVALS
from edge.errors import EdgeError, InputError, UntrustedError
from edge.keys.approval import approved
from edge_signing import canonical
from edge_signing.approval import (
    RELEASES_MOST,
    Approval,
    Approver,
    Approvers,
    Signature,
    Statement,
)
from edge_signing.errors import FormatError, TrustError
from edge_signing.fields import Fields
from edge_signing.release import Content
from edge_signing.trust import approvals

_HOLDS_S: Final = 90 * 86_400


@dataclass(frozen=True, slots=True)
class Signed:
    """What somebody signed with a key of his own.

    Attributes:
        approver: The public half of his key.
        sig: His signature of the statement.
    """

    approver: Approver
    sig: bytes


@dataclass(frozen=True, slots=True)
class Given:
    """An approval that was given.

    Attributes:
        keyid: Of the key that signed; empty if he only said so.
    """

    person: str
    at_s: int
    reason: str
    keyid: str


def statement(made: Stored, known: Iterable[Release], vault: Vault) -> bytes:
    """Return what is to be approved of a campaign, empty if no device could look at it.

    It covers the releases of the plan, and those that a device may be given on the way or back.

    Args:
        made: The campaign.
        known: The releases of its products.
        vault: Of its tenant, which says what the documents of releases are.
    """
    plan = made.campaign.plan
    edge = [one for one in known if one.kind != FOREIGN and one.is_published]
    if not any(one.path in plan.releases for one in edge):
        return b""
    first = sorted(edge, key=lambda one: (one.path not in plan.releases, -one.counter))
    found = {}
    for one in first[:RELEASES_MOST]:
        try:
            target = vault.targets(one)[one.path]
        except EdgeError:
            # Offered no longer.
            continue
        found[one.path] = Content(target.length_bytes, bytes.fromhex(target.sha256))
    digest = hashlib.sha256(plans.pack(plan)).hexdigest()
    ends_s = plan.end_at_s or made.created_at_s + _HOLDS_S
    return Statement(made.id, found, digest, ends_s).pack()


def read(packed: bytes) -> Statement:
    """Return the statement that was packed."""
    return Statement.read(Fields(canonical.decode(packed), "approval"))


def give(
    connection: Connection, stored: Stored, given: Given, signed: Signed | None
) -> dict[str, object]:
    """Store an approval; return what the audit log has of it.

    Raises:
        UntrustedError: The signature is not of this campaign, or not of that key.
        InputError: The key is none, or there is nothing to sign.
    """
    keyid = _keyid(stored, signed) if signed else ""
    values = {
        "tenant": stored.tenant,
        "campaign": stored.id,
        "person": given.person,
        "at_s": given.at_s,
        "reason": given.reason,
        "keyid": keyid,
        "sig": signed.sig.hex() if signed else "",
    }
    connection.execute(insert(CAMPAIGN_APPROVALS).values(values))
    details: dict[str, object] = {"reason": given.reason} if given.reason else {}
    if signed:
        details |= {"keyid": keyid, "sig": signed.sig.hex()}
    return details


def all_of(connection: Connection, tenant: str, id_: str) -> list[Given]:
    """Return who approved a campaign, in order."""
    rows = connection.execute(_asked(tenant, id_))
    return [Given(row.person, row.at_s, row.reason, row.keyid) for row in rows]


def document(connection: Connection, stored: Stored) -> bytes:
    """Return what devices are given: the statement with its signatures; empty without any."""
    rows = connection.execute(_asked(stored.tenant, stored.id))
    found = [Signature(row.keyid, bytes.fromhex(row.sig)) for row in rows if row.keyid]
    if not found or not stored.statement:
        return b""
    return approved(read(stored.statement), found).pack()


def _asked(tenant: str, id_: str) -> Select[Any]:
    same = (CAMPAIGN_APPROVALS.c.tenant == tenant, CAMPAIGN_APPROVALS.c.campaign == id_)
    return select(CAMPAIGN_APPROVALS).where(*same).order_by(CAMPAIGN_APPROVALS.c.at_s)


def _keyid(stored: Stored, signed: Signed) -> str:
    """Return the id of the key that signed, once the signature is verified."""
    if not stored.statement:
        raise InputError("the campaign has nothing to sign: its releases are no Edge releases")
    try:
        keyid = approvals.key_of(signed.approver).keyid
        approval = Approval(read(stored.statement), (Signature(keyid, signed.sig),))
        approvals.signed_by(approval, Approvers(1, (signed.approver,)))
    except TrustError as error:
        raise UntrustedError(
            f"campaign {stored.id}: the signature is not of its statement: {error}",
            hint="edge campaign approve signs what the console has",
        ) from error
    except FormatError as error:
        raise InputError(str(error)) from error
    return keyid
