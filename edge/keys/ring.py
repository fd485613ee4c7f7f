"""A key ring: a folder with `keys.json`, the chain of roots, `targets.json` and private keys.

`keys.json`, `<n>.root.json` and `targets.json` are public. Private keys lie beside them (0600), in
tokens, or on other machines; the ring then knows only their public parts.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field
from securesystemslib.signer import Signer, SSlibKey
from tuf.api.metadata import Metadata, Root, Targets

from edge import atomic
from edge.errors import InputError, ThingNotFoundError
from edge.keys.places import KEYS_FILE
from edge.keys.public import Algorithm, KeyName, algorithm_of, restored
from edge.keys.roles import Role, all_roles
from edge.keys.secrets import Secrets
from edge.keys.signers import open_as
from edge.strict.document import read_text
from edge.strict.model import StrictModel, load_model
from edge_signing.trust import documents, roots, signatures
from edge_signing.trust.names import TARGETS
from edge_signing.trust.sighting import KEYS_MOST

TARGETS_FILE = "targets.json"
PENDING_FILE = "pending.json"


class _KeyModel(StrictModel):
    algorithm: Annotated[Algorithm, Field(strict=False)]
    public: str
    uri: str | None = None


class _RoleModel(StrictModel):
    keys: tuple[KeyName, ...]
    threshold: int = Field(ge=1)
    expires_days: int = Field(ge=1, le=3650)


class _RingModel(StrictModel):
    format: Literal[1]
    production: bool
    products: tuple[str, ...]
    keys: dict[str, _KeyModel]
    roles: dict[str, _RoleModel]


@dataclass(frozen=True, slots=True)
class RingKey:
    """A key of a ring; `uri` says where its private part is, None means: on another machine."""

    key: SSlibKey
    uri: str | None


@dataclass(frozen=True, slots=True)
class Ring:
    """What a key ring says.

    Attributes:
        folder: Where it is.
        production: Made for devices that are sold, not for a demo.
        products: Each has its own role; none means one role for any product.
        keys: By name.
        roles: By name.
    """

    folder: Path
    production: bool
    products: tuple[str, ...]
    keys: Mapping[str, RingKey]
    roles: Mapping[str, Role]

    def public(self, role: str) -> dict[str, SSlibKey]:
        """Return the keys of a role by name."""
        return {name: self.keys[name].key for name in self.roles[role].keys}

    def signer(self, name: str, ask: Secrets) -> Signer:
        """Return the signer of a key.

        Raises:
            ThingNotFoundError: There is no such key, or its private part is elsewhere.
            EdgeError: The key can not be had.
        """
        found = self.keys.get(name)
        if found is None:
            raise ThingNotFoundError(f"{self.folder}: no key is called {name!r}")
        if found.uri is None:
            raise ThingNotFoundError(f"{self.folder}: {name}: its private part is not here")
        return open_as(found.uri, found.key, ask, folder=self.folder)

    def signers_for(self, delegator: Root | Targets, role: str, ask: Secrets) -> list[Signer]:
        """Return signers of a role, no more than must sign, of those keys that are here.

        Args:
            delegator: What says whose keys count; keys that a rotation put away may be among them.
            role: The role.
            ask: Gets passphrases and PINs.

        Raises:
            TrustError: The delegator knows no such role.
            EdgeError: A key that is here can not be used.
        """
        wanted, keys = signatures.keys_of(delegator, role)
        found: list[Signer] = []
        for name, one in self.keys.items():
            if one.key.keyid in keys and len(found) < wanted.threshold:
                # A file or a token that was carried away is no mistake.
                with suppress(ThingNotFoundError):
                    found.append(self.signer(name, ask))
        return found

    def chain(self) -> dict[str, bytes]:
        """Return all roots by file name; none as long as the first is not signed."""
        names = (path for path in self.folder.iterdir() if roots.NAME.fullmatch(path.name))
        return {path.name: path.read_bytes() for path in sorted(names, key=_number)}

    def trusted_root(self) -> bytes:
        """Return the first root: what a device is given.

        Raises:
            ThingNotFoundError: It is not signed yet.
        """
        return _bytes(self.folder / roots.file_name(1))

    def root(self) -> Metadata[Root]:
        """Return the newest root.

        Raises:
            ThingNotFoundError: None is signed yet.
            SigningError: The chain does not hold.
        """
        newest = roots.follow(self.trusted_root(), self.chain())
        return documents.read(newest, Root, "root")

    def targets(self) -> Metadata[Targets]:
        """Return targets.json, verified under the newest root.

        Raises:
            ThingNotFoundError: It is not signed yet.
            SigningError: It does not hold.
        """
        found = self.stored_targets()
        signatures.verify((self.root().signed,), TARGETS, found, TARGETS_FILE)
        return found

    def stored_targets(self) -> Metadata[Targets]:
        """Return targets.json as it lies there.

        Raises:
            ThingNotFoundError: It is not signed yet.
            SigningError: It is none.
        """
        return documents.read(_bytes(self.folder / TARGETS_FILE), Targets, TARGETS_FILE)


def write(ring: Ring) -> None:
    """Write `keys.json`; after a power cut it is the old or the new one."""
    content = {
        "format": 1,
        "production": ring.production,
        "products": list(ring.products),
        "keys": {
            name: {
                "algorithm": str(algorithm_of(one.key)),
                "public": one.key.keyval["public"],
                "uri": one.uri,
            }
            for name, one in ring.keys.items()
        },
        "roles": {
            name: {
                "keys": list(role.keys),
                "threshold": role.threshold,
                "expires_days": role.expires_days,
            }
            for name, role in ring.roles.items()
        },
    }
    with atomic.file(ring.folder / KEYS_FILE) as stream:
        stream.write(json.dumps(content, indent=1).encode() + b"\n")


def read(folder: Path) -> Ring:
    """Return the key ring of a folder.

    Raises:
        ThingNotFoundError: There is none.
        InputError: `keys.json` is wrong.
    """
    file = folder / KEYS_FILE
    if not file.is_file():
        raise ThingNotFoundError(
            f"{folder}: no key ring is here", hint=f"make one: edge keys init --dir {folder}"
        )
    model = load_model(_RingModel, read_text(file), str(file))
    ring = Ring(
        folder=folder,
        production=model.production,
        products=model.products,
        keys={
            name: RingKey(restored(key.algorithm, key.public, f"{file}: {name}"), key.uri)
            for name, key in model.keys.items()
        },
        roles={
            name: Role(role.keys, role.threshold, role.expires_days)
            for name, role in model.roles.items()
        },
    )
    check(ring, str(file))
    return ring


def check(ring: Ring, place: str) -> None:
    """Refuse a ring whose roles do not fit to its products or its keys.

    Raises:
        InputError: A role is missing or too many, has too many keys, or can never reach its
            threshold.
    """
    if set(ring.roles) != set(all_roles(ring.products)):
        wanted = ", ".join(all_roles(ring.products))
        raise InputError(f"{place}: the roles are not {wanted}")
    for name, role in ring.roles.items():
        if missing := [key for key in role.keys if key not in ring.keys]:
            raise InputError(f"{place}: {name}: there is no key {missing[0]!r}")
        materials = {documents.material(ring.keys[key].key) for key in role.keys}
        if len(materials) != len(role.keys):
            raise InputError(f"{place}: {name}: two of its keys are one")
        if len(role.keys) > KEYS_MOST:
            raise InputError(f"{place}: {name}: {len(role.keys)} keys are more than {KEYS_MOST}")
        if role.threshold > len(role.keys):
            raise InputError(
                f"{place}: {name}: {role.threshold} must sign, and there are {len(role.keys)} keys"
            )


def _number(path: Path) -> int:
    return int(path.name.partition(".")[0])


def _bytes(path: Path) -> bytes:
    if not path.is_file():
        raise ThingNotFoundError(
            f"{path}: not there yet",
            hint=f"sign {path.parent / PENDING_FILE} with edge sign, then edge keys complete",
        )
    return path.read_bytes()
