"""One repository of one server: documents, blobs, with who we are, tries, and resume."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.client import HTTPResponse
from pathlib import Path
from typing import IO, Final

from edge import digest
from edge.errors import EdgeError, RefusedError, ServerError, ThingNotFoundError, UntrustedError
from edge.oci.document import DOCUMENT_TYPES, Descriptor
from edge.oci.limits import Limits
from edge.oci.origin import Document
from edge.oci.registry.access import Access
from edge.oci.registry.link import Ask, Link, require_no_trouble, shown
from edge.oci.store import Store
from edge.progress import Task

_ACCEPT: Final = ", ".join(DOCUMENT_TYPES)
_PLAIN_TYPES: Final = ("", "application/json", "application/octet-stream")
_OK, _PARTIAL, _UNSATISFIABLE, _UNAUTHORISED = 200, 206, 416, 401
_NOT_FOUND: Final = (404, 410)


@dataclass(slots=True)
class Session:
    """Talks to one repository.

    Attributes:
        access: Who we are there.
        link: Sends requests.
        limits: The bounds of an image.
        helper_hint: Said where the server asks for a login and there is none.
    """

    access: Access
    link: Link
    limits: Limits
    helper_hint: str = ""
    _told: dict[str, int] = field(default_factory=dict)

    def exchange(self, ask: Ask) -> HTTPResponse:
        """Return the answer to a request, proved who we are if the server asks.

        Raises:
            ServerError: It wants another login.
            OSError: The link was lost.
        """
        for _ in range(2):
            if ask.body is not None and not isinstance(ask.body, bytes):
                ask.body.seek(0)
            response = self.link.send(replace(ask, secret=self.access.secret()))
            require_no_trouble(response)
            if response.status != _UNAUTHORISED:
                return response
            asked = response.headers.get_all("WWW-Authenticate") or []
            response.close()
            if not self.access.answer(asked):
                break
        host = self.access.endpoint.host
        hint = f"log in: docker login {host}{self.helper_hint}"
        raise ServerError(f"{shown(ask.url)}: not allowed (401)", hint=hint)

    def document(self, pointer: str) -> Document:
        """Return an index or a manifest by tag or digest; by digest it is checked.

        Raises:
            ThingNotFoundError: There is none.
            UntrustedError: It is not what the digest says, or what the server says of it.
            RefusedError: It is too long, or sent as something else.
            ServerError: The server refuses.
            LinkError: The server cannot be reached.
        """
        url = self.access.endpoint.url(f"manifests/{pointer}")
        found, said = self.link.tried(shown(url), lambda: self._document(url), lambda: 0)
        wanted = pointer if ":" in pointer else said
        if wanted.startswith("sha256:") and found.digest != wanted:
            raise UntrustedError(f"{shown(url)}: {found.digest} where {wanted} was expected")
        return found

    def _document(self, url: str) -> tuple[Document, str]:
        with self.exchange(Ask("GET", url, {"Accept": _ACCEPT})) as response:
            self._require(response, url, _OK)
            kind = (response.headers.get("Content-Type") or "").partition(";")[0].strip()
            if kind not in (*DOCUMENT_TYPES, *_PLAIN_TYPES):
                raise RefusedError(f"{shown(url)}: sent as {kind}, which is no image")
            said = response.headers.get("Docker-Content-Digest", "")
            with _of(shown(url)):
                most_bytes = self.limits.document_bytes
                data = b"".join(self.link.pieces(response, most_bytes=most_bytes))
            _require_whole(response, len(data))
            return Document(data, kind if kind in DOCUMENT_TYPES else None), said

    def bring(self, blob: Descriptor, store: Store, task: Task) -> None:
        """Bring a blob into the store; what came before a lost link is not fetched again.

        Raises:
            UntrustedError: It is not what its digest and size say; nothing of it is kept.
            ThingNotFoundError: The server has no such blob.
            ServerError: The server refuses.
            LinkError: The server cannot be reached; what came is kept.
        """
        with _part(store, blob.digest) as (path, stream):
            if store.has(blob.digest):
                return
            is_resumed = stream.seek(0, 2) > 0
            self._fill(blob, stream, task)
            stream.flush()
            if is_resumed and digest.of_file(path) != blob.digest:
                stream.truncate(0)  # what was there was damaged, by a power cut perhaps
                self._fill(blob, stream, task)
                stream.flush()
            try:
                with _of(shown(self.access.endpoint.url(f"blobs/{blob.digest}"))):
                    store.add_file(path, blob.digest, move=True)
            except UntrustedError:
                path.unlink()
                raise

    def _fill(self, blob: Descriptor, stream: IO[bytes], task: Task) -> None:
        url = self.access.endpoint.url(f"blobs/{blob.digest}")
        if stream.seek(0, 2) > blob.size_bytes:
            stream.truncate(0)
        self.link.tried(
            shown(url), lambda: self._more(url, blob, stream, task), lambda: stream.seek(0, 2)
        )

    def _more(self, url: str, blob: Descriptor, stream: IO[bytes], task: Task) -> None:
        done_bytes = stream.seek(0, 2)
        if done_bytes == blob.size_bytes:
            self._tell(blob, done_bytes, task)
            return
        headers = {"Range": f"bytes={done_bytes}-"} if done_bytes else {}
        with self.exchange(Ask("GET", url, headers)) as response:
            if response.status == _UNSATISFIABLE and done_bytes:
                stream.truncate(0)
                raise ConnectionError("the server can not go on where it was")
            self._require(response, url, _OK, _PARTIAL)
            done_bytes = _begin(response, stream, blob, url)
            self._copy(response, blob, stream, task, url)
        if stream.tell() < blob.size_bytes:
            raise ConnectionResetError(f"the connection was closed at byte {stream.tell()}")

    def _copy(
        self, response: HTTPResponse, blob: Descriptor, stream: IO[bytes], task: Task, url: str
    ) -> None:
        left_bytes = blob.size_bytes - stream.tell()
        try:
            for piece in self.link.pieces(response, most_bytes=left_bytes):
                stream.write(piece)
                self._tell(blob, stream.tell(), task)
        except RefusedError as error:
            stream.truncate(0)
            raise UntrustedError(
                f"{shown(url)}: more than the {blob.size_bytes} bytes that were said"
            ) from error

    def _tell(self, blob: Descriptor, so_far_bytes: int, task: Task) -> None:
        step = so_far_bytes - self._told.get(blob.digest, 0)
        if step > 0:
            task.advance(step)
            self._told[blob.digest] = so_far_bytes

    def _require(self, response: HTTPResponse, url: str, *statuses: int) -> None:
        """Refuse an answer of another status.

        Raises:
            ThingNotFoundError: It is not there.
            ServerError: The server refuses.
        """
        if response.status in statuses:
            if response.headers.get("Content-Encoding", "identity") != "identity":
                raise ServerError(f"{shown(url)}: sent in a coding that nobody asked for")
            return
        kind = ThingNotFoundError if response.status in _NOT_FOUND else ServerError
        raise kind(f"{shown(url)}: {response.status} {response.reason}")


def _begin(response: HTTPResponse, stream: IO[bytes], blob: Descriptor, url: str) -> int:
    """Put the stream where the answer begins, and return that place.

    Raises:
        UntrustedError: The server has a file of another length.
        ServerError: It sends another part than it was asked for.
    """
    done_bytes = stream.seek(0, 2)
    if response.status == _OK and done_bytes:
        done_bytes = stream.seek(0)
        stream.truncate()
    if response.status == _PARTIAL:
        said = response.headers.get("Content-Range", "")
        if said != f"bytes {done_bytes}-{blob.size_bytes - 1}/{blob.size_bytes}":
            raise ServerError(f"{shown(url)}: sends {said!r}, asked for bytes {done_bytes}-")
    length = response.headers.get("Content-Length")
    if length is not None and length != str(blob.size_bytes - done_bytes):
        raise UntrustedError(
            f"{shown(url)}: {length} bytes where {blob.size_bytes - done_bytes} were said"
        )
    return done_bytes


def _require_whole(response: HTTPResponse, size_bytes: int) -> None:
    length = response.headers.get("Content-Length")
    if length is not None and length.isdecimal() and int(length) != size_bytes:
        raise ConnectionResetError(f"the connection was closed at byte {size_bytes}")


@contextmanager
def _part(store: Store, digest: str) -> Iterator[tuple[Path, IO[bytes]]]:
    """Give the file in which a blob comes, to one process at a time."""
    folder = store.folder / "incoming"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / digest.partition(":")[2]
    while True:
        with path.open("a+b") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            if store.has(digest) or _is_same(path, stream):
                yield path, stream
                return


def _is_same(path: Path, stream: IO[bytes]) -> bool:
    """Say whether the path is still this file: who held the lock before may have moved it away."""
    try:
        return os.path.samestat(path.stat(), os.fstat(stream.fileno()))
    except FileNotFoundError:
        return False


@contextmanager
def _of(what: str) -> Iterator[None]:
    try:
        yield
    except EdgeError as error:
        raise type(error)(f"{what}: {error}", hint=error.hint) from error
