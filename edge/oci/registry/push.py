"""Push an image of the store to a registry: what is there already is not sent again."""

from typing import Final
from urllib.parse import parse_qsl, urljoin, urlsplit

from edge.errors import ServerError, UntrustedError
from edge.oci.document import Descriptor
from edge.oci.image import MANIFEST_TYPE
from edge.oci.limits import STANDARD
from edge.oci.origin import stored_manifest
from edge.oci.registry.access import replace_query
from edge.oci.registry.credentials import Credentials, read_credentials
from edge.oci.registry.endpoint import Registries
from edge.oci.registry.link import Ask, Link, address, origin_of, shown
from edge.oci.registry.registry import session
from edge.oci.registry.session import Session
from edge.oci.store import Store
from edge.progress import Progress, Task
from edge.system.reference import RegistryReference

ACTIONS: Final = "pull,push"
_OK, _CREATED, _ACCEPTED, _NOT_FOUND = 200, 201, 202, 404
_BINARY: Final = {"Content-Type": "application/octet-stream"}


class Pusher:
    """Pushes to the repository of a reference; mirrors are not for that.

    Args:
        reference: Whose host and repository count.
        registries: Which hosts are insecure.
        store: Where images are.
        credentials: Logins; None reads those of the user.
        link: Sends requests.
    """

    def __init__(
        self,
        reference: RegistryReference,
        registries: Registries,
        store: Store,
        *,
        credentials: Credentials | None = None,
        link: Link | None = None,
    ) -> None:
        known = read_credentials() if credentials is None else credentials
        self._endpoint = registries.own(reference)
        self._link = link or Link()
        self._session: Session = session(
            self._endpoint, known, self._link, STANDARD, actions=ACTIONS
        )
        self._store = store

    def push(self, manifest: str, tags: tuple[str, ...], progress: Progress) -> None:
        """Push an image with its tags; they name it when all of it is there.

        Raises:
            ServerError: The registry refuses.
            LinkError: It cannot be reached.
            UntrustedError: It has other bytes than were sent.
        """
        found = stored_manifest(manifest, manifest, self._store)
        blobs = {blob.digest: blob for blob in (found.config, *found.layers)}.values()
        total_bytes = sum(blob.size_bytes for blob in blobs)
        with progress.task(f"push {self._endpoint.host}", total=total_bytes, unit="B") as task:
            for blob in blobs:
                what = shown(self._endpoint.url(f"blobs/{blob.digest}"))
                self._link.tried(what, lambda blob=blob: self._blob(blob, task), lambda: 0)  # type: ignore[misc]
        for tag in tags:
            url = self._endpoint.url(f"manifests/{tag}")
            self._link.tried(shown(url), lambda url=url: self._manifest(url, manifest), lambda: 0)  # type: ignore[misc]

    def _blob(self, blob: Descriptor, task: Task) -> None:
        url = self._endpoint.url(f"blobs/{blob.digest}")
        with self._session.exchange(Ask("HEAD", url)) as response:
            if response.status == _OK:
                task.advance(blob.size_bytes)
                return
            if response.status != _NOT_FOUND:
                raise ServerError(f"{shown(url)}: {response.status} {response.reason}")
        self._upload(blob, self._place(blob))
        task.advance(blob.size_bytes)

    def _place(self, blob: Descriptor) -> str:
        """Return where the registry wants a blob."""
        url = self._endpoint.url("blobs/uploads/")
        with self._session.exchange(Ask("POST", url, body=b"", may_move=False)) as response:
            location = response.headers.get("Location")
            if response.status != _ACCEPTED or not location:
                raise ServerError(f"{shown(url)}: {response.status} {response.reason}")
        address(location)
        target = urljoin(url, location)
        if origin_of(target)[0] != origin_of(url)[0]:
            raise ServerError(f"{shown(url)}: it wants uploads at {shown(target)}")
        query = [*parse_qsl(urlsplit(target).query, keep_blank_values=True)]
        return replace_query(target, [*query, ("digest", blob.digest)])

    def _upload(self, blob: Descriptor, url: str) -> None:
        headers = {**_BINARY, "Content-Length": str(blob.size_bytes)}
        with self._store.open(blob.digest) as stream:
            ask = Ask("PUT", url, headers, body=stream, may_move=False)
            is_own = origin_of(url) == origin_of(self._endpoint.url(""))
            send = self._session.exchange if is_own else self._link.send
            with send(ask) as response:
                if response.status != _CREATED:
                    raise ServerError(f"{shown(url)}: {response.status} {response.reason}")

    def _manifest(self, url: str, manifest: str) -> None:
        data = self._store.read(manifest)
        ask = Ask("PUT", url, {"Content-Type": MANIFEST_TYPE}, body=data, may_move=False)
        with self._session.exchange(ask) as response:
            said = response.headers.get("Docker-Content-Digest", manifest)
            if response.status != _CREATED:
                raise ServerError(f"{shown(url)}: {response.status} {response.reason}")
        if said != manifest:
            raise UntrustedError(f"{shown(url)}: has {said} where {manifest} was sent")
