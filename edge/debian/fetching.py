"""Fetch files from the mirror by hash, with apt's own downloader: proxies, resume, retries hold.

apt-helper checks the hash and the store checks it again; a file comes to the store whole or not.
"""

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from edge.debian import apt
from edge.debian.apt import Tree
from edge.errors import EdgeError, InputError, LinkError, ToolError, UntrustedError
from edge.progress import Progress, Task

BATCH_BYTES = 32 << 20  # what one run of apt-helper is given; the store fills batch by batch
BATCH_ITEMS = 48
POLL_S = 0.2
GONE_HINT = "run `edge lock --update` to move to the versions that the mirror has now"


class PackageGoneError(InputError):
    """The mirror no longer has a pinned package; mirrors drop superseded versions."""


class BlobStore(Protocol):
    """Where packages are kept, by digest (`sha256:<hex>`)."""

    def has(self, digest: str) -> bool:
        """Whether the store has the blob."""

    def add_file(self, path: Path, expected: str | None = None, *, move: bool = False) -> str:
        """Take a file in and return its digest; refuse it when that is not `expected`."""


@dataclass(frozen=True, slots=True)
class Item:
    """One file to fetch; `title` is what errors call it."""

    title: str
    uri: str
    digest: str
    size_bytes: int


def fetch(tree: Tree, items: Sequence[Item], store: BlobStore, progress: Progress) -> None:
    """Bring all items into the store, in batches.

    Raises:
        PackageGoneError: The mirror has not got some of them; all are named, the others came.
        UntrustedError: One has other bytes than its hash says.
        LinkError: The mirror cannot be reached, or the link was lost.
    """
    incoming = tree.folder / "incoming"
    incoming.mkdir(exist_ok=True)
    gone: list[str] = []
    total_bytes = sum(item.size_bytes for item in items)
    with progress.task("fetch packages", total=total_bytes, unit="B") as task:
        meter = _Meter(incoming, task)
        for batch in _batches(items):
            gone += _fetch_batch(tree, batch, store, meter)
    if gone:
        raise PackageGoneError(f"gone from the mirror: {', '.join(gone)}", hint=GONE_HINT)


class _Meter:
    """Tells how many bytes have come, by the sizes of the growing files."""

    def __init__(self, incoming: Path, task: Task) -> None:
        self._incoming = incoming
        self._task = task
        self._told_bytes: dict[str, int] = {}

    def path(self, item: Item) -> Path:
        return self._incoming / item.digest.rpartition(":")[2]

    def look(self, items: Sequence[Item]) -> None:
        for item in items:
            path = self.path(item)
            if path.is_file():
                self.tell(item, min(path.stat().st_size, item.size_bytes))

    def tell(self, item: Item, so_far_bytes: int) -> None:
        step = so_far_bytes - self._told_bytes.get(item.digest, 0)
        if step > 0:
            self._task.advance(step)
            self._told_bytes[item.digest] = so_far_bytes


def _batches(items: Sequence[Item]) -> Iterator[list[Item]]:
    batch: list[Item] = []
    for item in items:
        if batch and (
            len(batch) >= BATCH_ITEMS
            or sum(other.size_bytes for other in batch) + item.size_bytes > BATCH_BYTES
        ):
            yield batch
            batch = []
        batch.append(item)
    if batch:
        yield batch


def _fetch_batch(tree: Tree, batch: Sequence[Item], store: BlobStore, meter: _Meter) -> list[str]:
    """Fetch a batch; return the titles of what the mirror has not got."""
    if _download(tree, batch, store, meter) is None:
        return []
    # What is missing is tried again one by one, which also tells why it does not come.
    gone = []
    for item in batch:
        if not store.has(item.digest) and (error := _download(tree, [item], store, meter)):
            if not _is_gone(error):
                raise _refusal(item, error, meter) from error
            gone.append(item.title)
    return gone


def _download(
    tree: Tree, batch: Sequence[Item], store: BlobStore, meter: _Meter
) -> ToolError | None:
    """Run apt-helper once and store what came whole; return its error if it had one."""
    words: list[str | Path] = ["download-file"]
    for item in batch:
        _failed(item, meter).unlink(missing_ok=True)
        sha256 = item.digest.replace("sha256:", "SHA256:")
        # `file:` would only link to the mirror's file.
        words += [re.sub("^file:", "copy:", item.uri), meter.path(item), sha256]
    with ThreadPoolExecutor(max_workers=1) as pool:
        running: Future[str] = pool.submit(tree.call, apt.APT_HELPER, *words)
        while not running.done():
            wait_for([running], timeout=POLL_S)
            meter.look(batch)
    error = running.exception()
    if error is not None and not isinstance(error, ToolError):
        raise error
    for item in batch:
        _take(item, store, meter, ended_well=error is None)
    return error


def _take(item: Item, store: BlobStore, meter: _Meter, *, ended_well: bool) -> None:
    path = meter.path(item)
    if path.is_file() and (ended_well or path.stat().st_size == item.size_bytes):
        try:
            store.add_file(path, item.digest, move=True)
        except UntrustedError:
            path.unlink(missing_ok=True)
            if ended_well:
                raise
        else:
            meter.tell(item, item.size_bytes)


def _is_gone(error: ToolError) -> bool:
    return any(f" {status} " in str(error) for status in (404, 410))


def _failed(item: Item, meter: _Meter) -> Path:
    """Return where apt-helper puts a file with the wrong hash."""
    path = meter.path(item)
    return path.with_name(f"{path.name}.FAILED")


def _refusal(item: Item, error: ToolError, meter: _Meter) -> EdgeError:
    if full := apt.disk_full(error):
        return full
    failed = _failed(item, meter)
    if failed.exists():
        failed.unlink()
        return UntrustedError(
            f"{item.title}: the mirror gives other bytes than {item.digest}",
            hint="try again later or with another mirror; nothing of it was kept",
        )
    return LinkError(
        f"{item.title}: cannot be fetched: {apt.said(error)}",
        hint="look at the network and try again; what came is kept",
    )
