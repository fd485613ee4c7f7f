"""A fake registry, and a client of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.oci.limits import Limits
from edge.oci.origin import bring, resolve
from edge.oci.registry.credentials import Credentials
from edge.oci.registry.endpoint import Registries
from edge.oci.registry.link import Link, Patience
from edge.oci.registry.registry import RegistryOrigin
from edge.oci.store import Store
from edge.oci.stored import stored_image
from edge.system.reference import registry_reference
from tests.fakes.image_parts import (
    TAR,
    packed,
)
from tests.fakes.registry import FakeRegistry, fake_registry

LAYER = packed({"bin/x": b"x" * 3000})


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with fake_registry() as served:
        served.name("1", served.parts.image([(TAR, LAYER)]))
        yield served


class Client:
    """Pulls from a fake registry, without waiting between tries.

    Attributes:
        waits: How long it would have waited.
    """

    def __init__(self, registry: FakeRegistry, store: Store) -> None:
        self.registry = registry
        self.store = store
        self.waits: list[float] = []
        self.known = Credentials()
        self.where = Registries()
        self.limits = Limits()
        self.timeout_s = 5.0

    def origin(self, name: str) -> RegistryOrigin:
        patience = Patience(timeout_s=self.timeout_s, tries=3, sleep=self.waits.append)
        return RegistryOrigin(
            registry_reference(name if "/" in name else f"{self.registry.host}/{name}"),
            self.where,
            credentials=self.known,
            link=Link(patience),
            limits=self.limits,
        )

    def pull(self, name: str = "x:1") -> list[str]:
        """Return the paths of a pulled image."""
        origin = self.origin(name)
        pin = resolve(origin, self.store, limits=self.limits)
        bring(pin, name, origin, self.store, limits=self.limits)
        return [path for path, _ in stored_image(name, pin.manifest, self.store).tree]


@pytest.fixture
def client(registry: FakeRegistry, store: Store) -> Client:
    return Client(registry, store)


def incoming(store: Store) -> list[str]:
    return [path.name for path in (store.folder / "incoming").glob("*")]


def part_files(store: Store) -> list[Path]:
    return list((store.folder / "incoming").glob("*"))
