"""The vaults of all tenants, opened when they are first needed: the director of the console."""

import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from edge.console.orders import Signed
from edge.console.releases import Release
from edge.console.repository.shelf import Shelf
from edge.console.repository.vault import Vault
from edge.console.tenants import Tenant
from edge.errors import ThingNotFoundError
from edge_signing.trust.offline import Target


class Vaults:
    """Vaults by tenant; for any thread.

    Args:
        folder: With a folder for each tenant.
        now: The time in UTC.
    """

    def __init__(self, folder: Path, now: Callable[[], datetime]) -> None:
        self._folder = folder
        self._now = now
        self._lock = threading.Lock()
        self._open: dict[str, Vault] = {}

    def open(self, tenant: Tenant) -> Vault:
        """Open the vault of a tenant; it is made when missing.

        Raises:
            EdgeError: As `Vault`.
        """
        with self._lock:
            folder = self._folder / tenant.tenant / "repository"
            vault = Vault(folder, Path(tenant.keys_folder), now=self._now())
            self._open[tenant.tenant] = vault
            return vault

    def of(self, tenant: str) -> Vault:
        """Return the vault of a tenant.

        Raises:
            ThingNotFoundError: There is none.
        """
        found = self._open.get(tenant)
        if found is None:
            raise ThingNotFoundError(f"tenant {tenant!r} has no repository")
        return found

    def shelf(self, tenant: str) -> Shelf:
        """Return the files of a tenant's foreign releases."""
        return Shelf(self._folder / tenant / "files")

    def targets(self, tenant: str, release: Release) -> Mapping[str, Target]:
        """Return what the release role says; see `edge.console.orders.Director`."""
        return self.of(tenant).targets(release)

    def sign(
        self, tenant: str, targets: Mapping[str, Target], *, device: str, epoch: int, version: int
    ) -> Signed:
        """Return what orders these targets; see `edge.console.orders.Director`."""
        now = self._now()
        return self.of(tenant).sign(targets, device=device, epoch=epoch, version=version, now=now)
