"""Bring what is signed in line with what a key ring says: first roots, rotation, renewal.

`keys.json` says what is wanted; root and targets say what is in force. What differs is proposed as
a request, signed with the keys that are here, and put in force when all thresholds are reached,
here or after `edge sign` elsewhere. Every step may be repeated after a power cut.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from securesystemslib.signer import Signer
from tuf.api.metadata import Metadata, Root, Targets

from edge import atomic
from edge.errors import InputError, ThingNotFoundError
from edge.keys import file_key, metadata, request, ring, secrets
from edge.keys.public import Algorithm, PublicPart, algorithm_of
from edge.keys.request import Request, pieces
from edge.keys.ring import PENDING_FILE, TARGETS_FILE, Ring, RingKey
from edge.keys.roles import delegations, key_names
from edge.keys.secrets import Secrets, nobody
from edge_signing.errors import SigningError
from edge_signing.trust import documents, roots, signatures
from edge_signing.trust.names import ROOT, TARGETS, TOP_LEVEL

_NEW = "make a new key: edge keys new"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a change.

    Attributes:
        ring: The ring as it is now.
        added: The names of new keys.
        missing: How many signatures each file still needs; empty when the change is in force.
        resign: Roles whose releases in a repository must be signed anew by their new keys.
    """

    ring: Ring
    added: tuple[str, ...] = ()
    missing: tuple[tuple[str, int], ...] = ()
    resign: tuple[str, ...] = ()


def rotate(
    old: Ring,
    role: str,
    *,
    now: datetime,
    compromised: str | None = None,
    imports: Sequence[PublicPart] = (),
    algorithm: Algorithm | None = None,
    ask: Secrets = nobody,
    passphrase: str | None = None,
) -> Outcome:
    """Give a role new keys: all, or only in the place of one that is compromised.

    Args:
        old: The ring.
        role: Whose keys.
        now: The time in UTC.
        compromised: The name of the one key to replace.
        imports: Public parts of the new keys; what is missing is made in the folder of the ring.
        algorithm: Of keys that are made; that of the role's keys when None.
        ask: Gets passphrases and PINs of keys that sign.
        passphrase: Locks keys that are made.

    Raises:
        ThingNotFoundError: The ring has no such role, or the role no such key.
        InputError: More keys are given than are needed.
    """
    known = old.roles.get(role)
    if known is None:
        raise ThingNotFoundError(f"{old.folder}: no role is called {role!r}")
    if compromised is not None and compromised not in known.keys:
        raise ThingNotFoundError(f"{old.folder}: {role} has no key {compromised!r}")
    gone = known.keys if compromised is None else (compromised,)
    kind = algorithm or algorithm_of(old.keys[known.keys[0]].key)
    new = _new_keys(old, role, len(gone), imports, kind, passphrase)
    stay = tuple(name for name in known.keys if name not in gone)
    changed = replace(
        old,
        keys={**old.keys, **new},
        roles={**old.roles, role: replace(known, keys=(*stay, *new))},
    )
    ring.check(changed, str(old.folder))
    ring.write(changed)
    resign = (role,) if role in delegations(old.products) else ()
    knowing = secrets.knowing(passphrase, list(new), ask)
    return replace(propose(changed, now=now, ask=knowing), added=tuple(new), resign=resign)


def propose(
    wanted: Ring, *, now: datetime, ask: Secrets = nobody, renew: Collection[str] = ()
) -> Outcome:
    """Sign what differs between the ring and what is in force, as far as the keys are here.

    Args:
        wanted: The ring.
        now: The time in UTC.
        ask: Gets passphrases and PINs.
        renew: `root` or `targets`, to be signed anew though nothing differs.
    """
    proposal = _differences(wanted, now, renew)
    if not proposal.sign:
        (wanted.folder / PENDING_FILE).unlink(missing_ok=True)
        return Outcome(wanted)
    signed, _made = request.sign(proposal, _signers(wanted, proposal, ask))
    request.write(signed, wanted.folder / PENDING_FILE)
    return complete(wanted)


def complete(wanted: Ring, signed: Iterable[Path] = ()) -> Outcome:
    """Put a proposal in force, if with the signatures of its copies all thresholds are reached.

    Args:
        wanted: The ring.
        signed: Copies of its `pending.json` that were signed elsewhere.

    Raises:
        ThingNotFoundError: Nothing is pending, or a copy is not there.
        UntrustedError: A copy is of another request.
        SigningError: A signature is wrong.
    """
    file = wanted.folder / PENDING_FILE
    merged = request.merge(request.read(file), [request.read(path) for path in signed])
    request.write(merged, file)
    missing = tuple((one.name, one.missing) for one in pieces(merged) if one.missing)
    if missing:
        return Outcome(wanted, missing=missing)
    for piece in pieces(merged):
        piece.verify()
        with atomic.file(wanted.folder / piece.name) as stream:
            stream.write(documents.to_bytes(piece.metadata))
    file.unlink()
    return Outcome(wanted)


def _differences(wanted: Ring, now: datetime, renew: Collection[str]) -> Request:
    root, targets = _in_force(wanted)
    current, proposed = {}, {}
    if root is not None:
        current[roots.file_name(root.signed.version)] = documents.to_bytes(root)
    if targets is not None:
        current[TARGETS_FILE] = documents.to_bytes(targets)
    new_root = metadata.new_root(wanted, root.signed.version + 1 if root else 1, now)
    _refuse_returning(wanted, new_root.signed)
    if root is None or ROOT in renew or metadata.changed(root.signed, new_root.signed):
        proposed[roots.file_name(new_root.signed.version)] = documents.to_bytes(new_root)
        root = new_root
    new_targets = metadata.new_targets(wanted, targets.signed.version + 1 if targets else 1, now)
    if (
        targets is None
        or TARGETS in renew
        or metadata.changed(targets.signed, new_targets.signed)
        or not _holds(root, targets)
    ):
        proposed[TARGETS_FILE] = documents.to_bytes(new_targets)
    return Request(sign=proposed, current=current)


def _refuse_returning(wanted: Ring, new: Root) -> None:
    """Refuse a key that was put away before: with it, what it signed then would be good again.

    Devices rely on this when they forget a floor (`edge_signing.trust.sighting`).
    """
    history = [documents.read(data, Root, name).signed for name, data in wanted.chain().items()]
    for role in TOP_LEVEL if history else ():
        past = [_materials(root, role) for root in history]
        if (_materials(new, role) - past[-1]) & set().union(*past):
            raise InputError(f"{wanted.folder}: a key of {role} was put away before", hint=_NEW)


def _materials(root: Root, role: str) -> set[bytes]:
    return {documents.material(key) for key in signatures.keys_of(root, role)[1].values()}


def _in_force(wanted: Ring) -> tuple[Metadata[Root] | None, Metadata[Targets] | None]:
    root = wanted.root() if (wanted.folder / roots.file_name(1)).exists() else None
    targets = wanted.stored_targets() if (wanted.folder / TARGETS_FILE).exists() else None
    return root, targets


def _holds(root: Metadata[Root], targets: Metadata[Targets]) -> bool:
    try:
        signatures.verify((root.signed,), TARGETS, targets, TARGETS_FILE)
    except SigningError:
        return False
    return True


def _signers(wanted: Ring, proposal: Request, ask: Secrets) -> list[Signer]:
    found: dict[str, Signer] = {}
    for piece in pieces(proposal):
        for delegator in piece.delegators:
            for signer in wanted.signers_for(delegator, piece.role, ask):
                found.setdefault(signer.public_key.keyid, signer)
    return list(found.values())


def _new_keys(
    old: Ring,
    role: str,
    count: int,
    imports: Sequence[PublicPart],
    algorithm: Algorithm,
    passphrase: str | None,
) -> dict[str, RingKey]:
    if len(imports) > count:
        raise InputError(f"{role}: {len(imports)} new keys are given, and {count} are replaced")
    known = {documents.material(one.key) for one in old.keys.values()}
    for part in imports:
        if part.role != role:
            raise InputError(f"the key {part.name} was made for {part.role}, not for {role}")
        if part.name in old.keys:
            raise InputError(f"{old.folder}: a key {part.name!r} is there already")
        if documents.material(part.key) in known:
            raise InputError(f"{old.folder}: {part.name} is a key of this ring already", hint=_NEW)
    found = {part.name: RingKey(part.key, part.uri) for part in imports}
    # A power cut may have left keys that the ring does not know.
    files = {path.stem: None for path in old.folder.glob("*.pem")}
    for name in key_names(role, count, {**files, **old.keys, **found})[: count - len(found)]:
        key = file_key.make(old.folder / f"{name}.pem", algorithm, passphrase)
        found[name] = RingKey(key, f"file:{name}.pem")
    return found
