"""Open an image: find its block map and its signature, and say what is known of it."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge.errors import InputError, ThingNotFoundError, UntrustedError
from edge.flash import spans as spanning
from edge.flash.sources import holes, http_stream
from edge.flash.sources.byte_stream import (
    CODINGS,
    PIECE_BYTES,
    ByteStream,
    Pieces,
    RawFile,
    file_pieces,
)
from edge.flash.sources.image_source import ImageSource
from edge.flash.sources.source import Facts
from edge.flash.spans import Span
from edge.image import bmap_reader, manifest
from edge.image.bmap_reader import BlockMap
from edge.image.outputs import DISK
from edge_signing.disk import DiskImage

Vouch = Callable[[bytes, bytes], DiskImage]
_SIGNATURE_MOST_BYTES: Final = 16 << 20
_NOT_READ: Final = ("bz2", "lz4", "zip", "7z", "lzo")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an image is, and what lies beside it: a folder of files, or of URLs."""

    name: str

    @property
    def is_url(self) -> bool:
        return http_stream.is_url(self.name)

    @property
    def path(self) -> str:
        """The name less the query of a URL."""
        return self.name.partition("?")[0] if self.is_url else self.name

    @property
    def query(self) -> str:
        """What follows the path of a URL, `?` and all: what lies beside it is asked for with it."""
        return self.name.removeprefix(self.path)

    @property
    def coding(self) -> str | None:
        """How it is compressed."""
        ending = self.path.rpartition(".")[2].lower()
        if ending in _NOT_READ:
            raise InputError(
                f"{self.name}: .{ending} is not read", hint=f"one of: .img, .{', .'.join(CODINGS)}"
            )
        return ending if ending in CODINGS else None

    @property
    def plain(self) -> str:
        """Its path less the ending of its compression."""
        return self.path.rpartition(".")[0] if self.coding else self.path

    @property
    def stem(self) -> str:
        """That less the ending of the image: `out/disk` of `out/disk.img.zst`."""
        folder, slash, last = self.plain.rpartition("/")
        return folder + slash + (last.rpartition(".")[0] or last)

    @staticmethod
    def found(names: Iterable[str], *, most_bytes: int) -> tuple[str, bytes] | None:
        """Return the name and the bytes of the first of these files that is there."""
        for name in dict.fromkeys(names):
            if http_stream.is_url(name):
                data = http_stream.get(name, most_bytes=most_bytes)
            else:
                data = Path(name).read_bytes() if Path(name).is_file() else None
            if data is not None:
                return name, data
        return None

    def start(self) -> ByteStream:
        """Open its bytes."""
        if self.coding is None and not self.is_url:
            return RawFile(Path(self.name))
        pieces = http_stream.pieces(self.name) if self.is_url else file_pieces(Path(self.name))
        return Pieces(pieces, name=self.name, coding=self.coding)


def open_source(image: str, *, vouch: Vouch, block_map: str | None = None) -> ImageSource:
    """Return an image to write.

    Args:
        image: A build folder, a file (`.img`, with `.zst`, `.gz` or `.xz`), or a URL of one.
        vouch: Verifies a signature over a block map.
        block_map: Where the map is; else it is looked for beside the image.

    Raises:
        ThingNotFoundError: There is no such image.
        InputError: The map is damaged or for another image, or there is none where one is needed.
        UntrustedError: There is a signature, and it does not hold.
    """
    folder = None if http_stream.is_url(image) else Path(image)
    build = manifest.read(folder) if folder is not None and folder.is_dir() else None
    place = _Place(str(Path(image) / DISK) if build else image)
    if not place.is_url and not Path(place.name).is_file():
        raise ThingNotFoundError(f"{place.name}: no such image")
    names = [block_map] if block_map else _map_names(place)
    found = place.found(names, most_bytes=bmap_reader.MOST_BYTES)
    if found is None:
        if block_map:
            raise ThingNotFoundError(f"{block_map}: no such block map")
        facts = _facts_without_map(place)
    else:
        facts = _facts(place, found, vouch)
    if build and not facts.board:
        facts = _named(facts, build["board"], build["version"])
    return ImageSource(facts, place.start)


def _map_names(place: _Place) -> list[str]:
    """Return what a map may be called: after `x.wic`, `x` and `x.wic.gz` for `x.wic.gz`."""
    return [f"{one}.bmap{place.query}" for one in (place.plain, place.stem, place.path)]


def _facts(place: _Place, found: tuple[str, bytes], vouch: Vouch) -> Facts:
    map_name, document = found
    block_map = bmap_reader.read(document, map_name)
    _require_length(place, block_map)
    spans = _spans(block_map, map_name)
    facts = Facts(
        name=place.name,
        image_bytes=block_map.image_bytes,
        spans=spans,
        fingerprint=_fingerprint(block_map.image_bytes, spans, document),
    )
    signature = place.found([f"{place.stem}.edge{place.query}"], most_bytes=_SIGNATURE_MOST_BYTES)
    if signature is None:
        return facts
    disk = vouch(signature[1], document)
    if disk.length_bytes != block_map.image_bytes or any(span.sha256 is None for span in spans):
        raise UntrustedError(f"{map_name}: it is not the map that {signature[0]} describes")
    signed = f"{disk.product} {disk.version} for {disk.board}"
    return _named(facts, disk.board, disk.version, signed)


def _named(facts: Facts, board: str, version: str, signer: str | None = None) -> Facts:
    return Facts(
        facts.name, facts.image_bytes, facts.spans, facts.fingerprint, board, version, signer
    )


def _facts_without_map(place: _Place) -> Facts:
    if place.is_url:
        raise InputError(
            f"{place.name}: there is no block map beside it",
            hint="put it there, name it with --bmap, or download the image first",
        )
    if place.coding:
        length_bytes, digest = _measured(place)
        spans: tuple[Span, ...] = (Span(0, length_bytes, digest),)
    else:
        path = Path(place.name)
        length_bytes = path.stat().st_size
        spans = holes.spans_of(path)
    if not length_bytes:
        raise InputError(f"{place.name}: it is empty")
    stat = Path(place.name).stat()
    salt = f"{Path(place.name).resolve()} {stat.st_size} {stat.st_mtime_ns}".encode()
    return Facts(place.name, length_bytes, spans, _fingerprint(length_bytes, spans, salt))


def _measured(place: _Place) -> tuple[int, bytes]:
    """Return how long a compressed image is, and its hash: read once before a byte is written."""
    stream = place.start()
    sha256, length_bytes = hashlib.sha256(), 0
    memory = memoryview(bytearray(PIECE_BYTES))
    try:
        while count := stream.readinto(memory):
            sha256.update(memory[:count])
            length_bytes += count
    finally:
        stream.close()
    return length_bytes, sha256.digest()


def _require_length(place: _Place, block_map: BlockMap) -> None:
    if place.is_url or place.coding:
        return  # it shows when the bytes come
    size_bytes = Path(place.name).stat().st_size
    if size_bytes != block_map.image_bytes:
        raise InputError(
            f"{place.name}: it has {size_bytes} bytes, its block map says {block_map.image_bytes}",
            hint="it was cut short, or the map is for another image",
        )


def _spans(block_map: BlockMap, place: str) -> tuple[Span, ...]:
    is_sha256 = block_map.checksum_type == "sha256"
    found = []
    for one in block_map.ranges:
        begin = one.first * block_map.block_bytes
        end = min((one.last + 1) * block_map.block_bytes, block_map.image_bytes)
        digest = bytes.fromhex(one.checksum) if is_sha256 and one.checksum else None
        found.append(Span(begin, end - begin, digest))
    spanning.require_in_order(found, image_bytes=block_map.image_bytes, place=place)
    return tuple(found)


def _fingerprint(image_bytes: int, spans: Iterable[Span], salt: bytes) -> bytes:
    sha256 = hashlib.sha256(f"{image_bytes}\n".encode())
    for span in spans:
        sums = span.sha256.hex() if span.sha256 else ""
        sha256.update(f"{span.offset_bytes} {span.length_bytes} {sums}\n".encode())
    sha256.update(salt)
    return sha256.digest()
