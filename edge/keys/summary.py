"""What a file to be signed says, for the person who signs it: every line of it comes from the file.

What was before counts only when it is signed itself; else all is shown as new.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from securesystemslib.signer import Key
from tuf.api.metadata import DelegatedRole, Role, Root, Signed, Targets

from edge.keys.request import Piece


@dataclass(frozen=True, slots=True)
class Summary:
    """What is to be signed.

    Attributes:
        name: The file.
        role: Whose it is.
        version: Of the file.
        previous_version: Of the file in force, None for a first one.
        expires: Until when it holds.
        changes: One line each, `+ …` or `- …`.
        missing: How many signatures are missing.
        signed_by: The ids of keys that signed it.
    """

    name: str
    role: str
    version: int
    previous_version: int | None
    expires: datetime
    changes: tuple[str, ...]
    missing: int
    signed_by: tuple[str, ...]


def of(piece: Piece) -> Summary:
    """Return what a file says."""
    signed = piece.metadata.signed
    before = piece.previous.signed if piece.previous else None
    return Summary(
        name=piece.name,
        role=piece.role,
        version=signed.version,
        previous_version=before.version if before else None,
        expires=signed.expires,
        changes=tuple(_changes(_lines(before), _lines(signed))),
        missing=piece.missing,
        signed_by=tuple(sorted(piece.metadata.signatures)),
    )


def _changes(before: Mapping[str, None], after: Mapping[str, None]) -> Iterable[str]:
    yield from (f"+ {line}" for line in after if line not in before)
    yield from (f"- {line}" for line in before if line not in after)


def _lines(signed: Signed | None) -> dict[str, None]:
    found: list[str] = []
    match signed:
        case Root():
            found += _authority(signed.roles, signed.keys)
        case Targets():
            if signed.delegations is not None:
                found += _authority(signed.delegations.roles or {}, signed.delegations.keys)
            found += _files(signed)
        case _:
            pass
    if signed is not None:
        fields = signed.unrecognized_fields.items()
        found += [f"{_plain(name)}: {_plain(value)}" for name, value in fields]
    return dict.fromkeys(found)


def _files(signed: Targets) -> Iterable[str]:
    for path, file in sorted(signed.targets.items()):
        more = f"  {_plain(file.unrecognized_fields)}" if file.unrecognized_fields else ""
        yield f"{path}  {file.length} B  sha256 {file.hashes['sha256']}{more}"


def _authority(roles: Mapping[str, Role], keys: Mapping[str, Key]) -> Iterable[str]:
    for role_name, role in roles.items():
        name = _plain(role_name)
        yield f"{name}: {role.threshold} of {len(role.keyids)} keys must sign"
        if isinstance(role, DelegatedRole):
            yield f"{name}: for {_plain(role.paths or role.path_hash_prefixes)}"
        if role.unrecognized_fields:
            yield f"{name}: {_plain(role.unrecognized_fields)}"
        yield from (f"{name}: key {one[:16]} ({keys[one].scheme})" for one in role.keyids)


def _plain(value: object) -> str:
    """Return a value in characters that can not play tricks on a terminal."""
    text = json.dumps(value, sort_keys=True)
    return text[1:-1] if isinstance(value, str) else text
