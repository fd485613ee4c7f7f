"""The lock file: which package, in which version and with which bytes, went into each image.

The rule: what is locked stays as it is until somebody says `edge lock --update`; what is asked for
anew is resolved, and nothing else moves. All functions but `read` and `write` are pure.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from edge import atomic
from edge.debian.archive import Package
from edge.errors import InputError, ProblemsError, ThingNotFoundError
from edge.strict.document import parse, read_text
from edge.strict.formats import PackageName, Text, matching
from edge.strict.model import StrictModel, examine

VERSION = 1
LOCK_FILE = "edge.lock"
_SHA256 = r"[0-9a-f]{64}"
_Digest = Annotated[str, matching(f"sha256:{_SHA256}", "a digest", "sha256: and 64 digits")]


@dataclass(frozen=True, slots=True)
class Request:
    """What an image asks for: names of packages, and globs of those to leave out."""

    packages: tuple[str, ...]
    without: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LockedItem:
    """What a request was resolved to: keys of `Lock.packages`."""

    request: Request
    packages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LockedImage:
    """What a reference named: digests of the manifest for the device and of its layers.

    `index` is that of the index in which the manifest was found, if there was one.
    """

    index: str | None
    manifest: str
    layers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock file: `items` are `kernel`, `board/NAME`, `service/NAME`; `images` are references."""

    suite: str
    architecture: str
    items: Mapping[str, LockedItem]
    packages: Mapping[str, Package]
    images: Mapping[str, LockedImage] = field(default_factory=dict)

    def packages_of(self, item: str) -> tuple[Package, ...]:
        """Return the packages of an item, in the order in which they were resolved."""
        return tuple(self.packages[key] for key in self.items[item].packages)


@dataclass(frozen=True, slots=True)
class Stale:
    """An item whose lock does not answer its request."""

    item: str
    reason: str


class _PackageModel(StrictModel):
    sha256: Annotated[str, matching(_SHA256, "a SHA-256", "64 hexadecimal digits")]
    size_bytes: int = Field(ge=0)
    path: Text
    origin: Literal["main", "security"]
    architecture: Text


class _ItemModel(StrictModel):
    request: tuple[PackageName, ...]
    without: tuple[Text, ...] = ()
    packages: tuple[Text, ...]


class _ImageModel(StrictModel):
    index: _Digest | None = None
    manifest: _Digest
    layers: tuple[_Digest, ...]


class _LockModel(StrictModel):
    version: Literal[1]
    suite: Text
    architecture: Text
    items: dict[str, _ItemModel]
    packages: dict[str, _PackageModel]
    images: dict[str, _ImageModel] = Field(default_factory=dict)


def stale(lock: Lock | None, requests: Mapping[str, Request]) -> list[Stale]:
    """Return the items that have to be resolved, in the order of the requests, with the reason."""
    found = ((name, _reason(lock, name, request)) for name, request in requests.items())
    return [Stale(name, reason) for name, reason in found if reason]


def require_current(
    lock: Lock | None,
    requests: Mapping[str, Request],
    *,
    file: Path,
    also: Sequence[Stale] = (),
) -> None:
    """Refuse, for `--locked`, to build what the lock does not answer; `also` is stale too.

    Raises:
        InputError: Items are stale or the lock is missing; it names each with its reason.
    """
    drifted = [*stale(lock, requests), *also]
    if not drifted:
        return
    lines = "".join(f"\n  {one.item}: {one.reason}" for one in drifted)
    raise InputError(
        f"{file}: the lock does not fit the system, and --locked forbids to change it:{lines}",
        hint="build once without --locked, or run `edge lock`, and keep the new lock",
    )


def to_resolve(
    lock: Lock | None,
    requests: Mapping[str, Request],
    *,
    update: Iterable[str] | None = (),
    others: Sequence[str] = (),
) -> tuple[str, ...]:
    """Return the items to ask the archive for.

    Args:
        lock: The lock so far.
        requests: What the system asks for.
        update: Items to move to the newest versions (`edge lock --update ITEM`); None: all.
        others: Items that may be named too, and are not of the archive.

    Raises:
        InputError: `update` names an item that is not in the system.
    """
    if update is None:
        return tuple(requests)
    wanted = set(update)
    if unknown := sorted(wanted - requests.keys() - set(others)):
        raise InputError(
            f"there is nothing called {', '.join(unknown)} to update",
            hint=f"items: {', '.join((*requests, *others))}",
        )
    wanted |= {one.item for one in stale(lock, requests)}
    return tuple(name for name in requests if name in wanted)


def updated(
    lock: Lock | None,
    requests: Mapping[str, Request],
    resolved: Mapping[str, Sequence[Package]],
    *,
    suite: str,
    architecture: str,
    images: Mapping[str, LockedImage] | None = None,
) -> Lock:
    """Return the new lock: resolved items as given, the others as they were, no one else.

    Args:
        lock: The lock so far.
        requests: What the system asks for.
        resolved: The packages of each item of `to_resolve`.
        suite: The suite they come from.
        architecture: The architecture of the device.
        images: The pins of all images.
    """
    known = dict(lock.packages) if lock else {}
    items: dict[str, LockedItem] = {}
    for name, request in requests.items():
        if name in resolved:
            known |= {package.key: package for package in resolved[name]}
            items[name] = LockedItem(request, tuple(one.key for one in resolved[name]))
        elif lock is not None and name in lock.items:
            items[name] = lock.items[name]
        else:
            raise InputError(f"{name}: neither locked nor resolved", hint="run `edge lock`")
    used = {key for item in items.values() for key in item.packages}
    kept = {key: known[key] for key in sorted(used)}
    return Lock(suite, architecture, items, kept, dict(sorted((images or {}).items())))


def dump(lock: Lock) -> str:
    """Return the text of a lock file: the same lock, the same bytes."""
    items = {
        name: {
            "request": list(item.request.packages),
            "without": list(item.request.without),
            "packages": list(item.packages),
        }
        for name, item in lock.items.items()
    }
    packages = {key: _fields(package) for key, package in lock.packages.items()}
    whole: dict[str, object] = {
        "version": VERSION,
        "suite": lock.suite,
        "architecture": lock.architecture,
        "items": items,
        "packages": packages,
    }
    if lock.images:
        whole["images"] = {name: asdict(image) for name, image in lock.images.items()}
    return json.dumps(whole, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def parse_lock(text: str, name: str) -> Lock:
    """Return the lock of a text.

    Raises:
        ProblemsError: All that is wrong in it, with lines.
    """
    try:
        model = _LockModel.model_validate_json(text)
    except ValidationError:
        # The slow way, for the lines: JSON is YAML.
        found, problems = examine(_LockModel, parse(text, name))
        if found is None or problems:
            raise ProblemsError(problems) from None
        model = found
    return _checked(model, name)


def read(file: Path) -> Lock | None:
    """Return the lock of a file, or None when there is no file.

    Raises:
        ProblemsError: All that is wrong in it.
    """
    try:
        return parse_lock(read_text(file), str(file))
    except ThingNotFoundError:
        return None


def write(lock: Lock, file: Path) -> None:
    """Write a lock file; after a power cut the old one or the new one is there."""
    with atomic.file(file) as stream:
        stream.write(dump(lock).encode())


def _reason(lock: Lock | None, name: str, request: Request) -> str | None:
    if lock is None or name not in lock.items:
        return "not in the lock"
    locked = lock.items[name].request
    if locked == request:
        return None
    changes = [f"+{one}" for one in request.packages if one not in locked.packages]
    changes += [f"-{one}" for one in locked.packages if one not in request.packages]
    if locked.without != request.without:
        changes.append("`without` changed")
    return f"asks for other packages: {', '.join(changes) or 'in another order'}"


def _fields(package: Package) -> dict[str, object]:
    return {key: value for key, value in asdict(package).items() if key not in ("name", "version")}


def _checked(model: _LockModel, name: str) -> Lock:
    packages = {}
    for key, one in model.packages.items():
        package, equals, version = key.partition("=")
        if not equals or not package or not version:
            raise InputError(
                f"{name}: {key!r} is not name=version", hint="run `edge lock --update`"
            )
        packages[key] = Package(
            package, version, one.architecture, one.sha256, one.size_bytes, one.path, one.origin
        )
    for item, locked in model.items.items():
        if missing := [key for key in locked.packages if key not in packages]:
            raise InputError(
                f"{name}: items.{item}: {missing[0]} is not among the packages",
                hint="run `edge lock --update`",
            )
    items = {
        item: LockedItem(Request(locked.request, locked.without), locked.packages)
        for item, locked in model.items.items()
    }
    images = {
        reference: LockedImage(image.index, image.manifest, image.layers)
        for reference, image in model.images.items()
    }
    return Lock(model.suite, model.architecture, items, packages, images)
