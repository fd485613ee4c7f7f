"""A thief has the console with its online keys, and not the keys of the releases.

The order is signed, snapshot and timestamp are, and still the device stays as it is and says why.
"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from securesystemslib.signer import Signature
from tuf.api.metadata import Metadata

from edge.keys import create
from edge.keys.ring import Ring
from edge.keys.secrets import nobody
from edge_signing.trust import offline
from edge_signing.trust.names import TARGETS
from tests.e2e.releases import NEXT, Releases
from tests.e2e.updated_device import UpdatedDevice, started
from tests.fakes.forge import Yard
from tests.fakes.update_site import UpdateSite

pytestmark = pytest.mark.slow

PRODUCT = "updates"


@dataclass(frozen=True)
class Thief:
    """Writes into the repository what it likes.

    Attributes:
        yard: The repository, with the online keys.
        own: The thief's own keys.
    """

    yard: Yard
    own: Ring

    def role(self) -> str:
        """Return the role that signs for the product."""
        return offline.role_for(self.yard.load(TARGETS).signed, PRODUCT).name

    def sign(self, metadata: Metadata[Any]) -> None:
        """Sign with a key that is not in the root."""
        for name in self.own.roles[TARGETS].keys:
            metadata.sign(self.own.signer(name, nobody), append=True)

    def sign_as_another(self, metadata: Metadata[Any]) -> None:
        """Sign in the name of the keys that should have signed."""
        role = self.yard.ring.roles[self.role()]
        self.sign(metadata)
        (own,) = metadata.signatures.values()
        metadata.signatures.clear()
        for name in role.keys:
            key_id = self.yard.ring.keys[name].key.keyid
            metadata.signatures[key_id] = Signature(key_id, own.signature)


@pytest.fixture(scope="module")
def thief(
    site: UpdateSite, releases: Releases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Thief]:
    """The thief; the repository is as it was when it has gone."""
    releases.publish(NEXT)
    folder = tmp_path_factory.mktemp("thief")
    shutil.copytree(site.repository / "metadata", folder / "before")
    (folder / "keys").symlink_to(site.ring.folder)
    (folder / "repo").symlink_to(site.repository)
    now = datetime.now(UTC)
    yield Thief(Yard(folder, now=now), create.init(folder / "own", now=now).ring)
    shutil.rmtree(site.repository / "metadata")
    shutil.copytree(folder / "before", site.repository / "metadata")


@pytest.fixture(scope="module")
def device(
    site: UpdateSite,
    releases: Releases,
    fresh_disk: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[UpdatedDevice]:
    """A device that gets only orders that it has to refuse, so that it stays as it is."""
    folder = tmp_path_factory.mktemp("robbed")
    with site.serving(), started(site, releases, fresh_disk, folder) as one:
        yield one


# The last one is for the first role that is looked at: whatever is below it is not read any more.
@pytest.mark.parametrize(
    ("role", "forge"),
    [
        pytest.param("product", "sign_as_another", id="a forged signature"),
        pytest.param("product", "sign", id="releases signed by a foreign key"),
        pytest.param(TARGETS, "sign", id="targets signed by a foreign key"),
    ],
)
def test_what_a_thief_signed_is_refused_and_told(
    device: UpdatedDevice, thief: Thief, role: str, forge: str
) -> None:
    name = thief.role() if role == "product" else role
    forged: Callable[[Metadata[Any]], None] = getattr(thief, forge)
    thief.yard.change(name, keys=(), forge=forged)

    reason = device.require_refused(device.site.offer(NEXT))

    assert reason == f"{name} was signed by 0/1 keys"


def test_what_the_owner_signs_after_a_thief_is_taken(device: UpdatedDevice, thief: Thief) -> None:
    for name in (thief.role(), TARGETS):
        thief.yard.change(name)

    action = device.site.offer(NEXT)

    assert device.outcome(action).kind == "succeeded"
    device.require("b", NEXT)
