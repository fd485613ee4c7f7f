"""An image of a registry: from the first of its mirrors that has it, else from its own server."""

from collections.abc import Callable
from functools import cache
from typing import TypeVar

from edge.errors import LinkError, RefusedError, ServerError, ThingNotFoundError, UntrustedError
from edge.oci.document import Descriptor
from edge.oci.limits import STANDARD, Limits
from edge.oci.origin import Document
from edge.oci.registry.access import Access
from edge.oci.registry.credentials import Credentials, read_credentials
from edge.oci.registry.endpoint import Endpoint, Registries
from edge.oci.registry.link import Link
from edge.oci.registry.session import Session
from edge.oci.store import Store
from edge.progress import SILENT, Progress, Task
from edge.system.reference import DOCKER_HUB, RegistryReference

Found = TypeVar("Found")
_NEXT = (LinkError, ServerError, ThingNotFoundError, UntrustedError, RefusedError)


class RegistryOrigin:
    """One image of a registry.

    Args:
        reference: Which one.
        registries: Mirrors and insecure hosts.
        credentials: Logins; None reads those of the user.
        link: Sends requests.
        limits: The bounds of an image.
        progress: Told which mirror does not answer.
    """

    def __init__(
        self,
        reference: RegistryReference,
        registries: Registries,
        *,
        credentials: Credentials | None = None,
        link: Link | None = None,
        limits: Limits = STANDARD,
        progress: Progress = SILENT,
    ) -> None:
        known = read_credentials() if credentials is None else credentials
        self._reference = reference
        self._progress = progress
        self._sessions = [
            session(one, known, link or Link(), limits) for one in registries.endpoints(reference)
        ]

    @property
    def name(self) -> str:
        """See `Origin`."""
        return str(self._reference)

    def top(self, architecture: str) -> Document:
        """See `Origin`."""
        del architecture
        return self._from_any(lambda one: one.document(self._reference.pointer))

    def document(self, digest: str) -> Document:
        """See `Origin`."""
        return self._from_any(lambda one: one.document(digest))

    def bring(self, blob: Descriptor, store: Store, task: Task) -> None:
        """See `Origin`."""
        self._from_any(lambda one: one.bring(blob, store, task))

    def _from_any(self, attempt: Callable[[Session], Found]) -> Found:
        """Return what the first server gives; a mirror that fails is told, and not asked again."""
        while len(self._sessions) > 1:
            try:
                return attempt(self._sessions[0])
            except _NEXT as error:
                self._progress.note(f"mirror given up: {error}")
                del self._sessions[0]
        return attempt(self._sessions[0])


def session(
    endpoint: Endpoint, known: Credentials, link: Link, limits: Limits, *, actions: str = "pull"
) -> Session:
    """Return what talks to a repository as the user who is logged in there, or as anybody."""
    name = credentials_name(endpoint)
    access = Access(endpoint, cache(lambda: known.for_repository(name)), link, actions)
    helper = known.helper(name)
    return Session(access, link, limits, f"; {helper} was asked" if helper else "")


def credentials_name(endpoint: Endpoint) -> str:
    """Return how the file of logins calls a repository."""
    host = endpoint.host.removeprefix("registry-1.") if _is_hub(endpoint) else endpoint.host
    return f"{host}/{endpoint.repository}"


def _is_hub(endpoint: Endpoint) -> bool:
    return endpoint.host == f"registry-1.{DOCKER_HUB}"
