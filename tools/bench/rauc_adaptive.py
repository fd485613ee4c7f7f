"""What RAUC's adaptive update (`block-hash-index`) fetches, computed as its manual documents it.

The bundle holds the SHA-256 of every 4 KiB block of the image. The device fetches this index, finds
the blocks that its slots have, and reads the others from the bundle. The bundle is a squashfs with
zlib at level 9 in units of 128 KiB, so each unit that holds a missing block comes whole. Requests,
the squashfs's own tables and the bundle's hash tree are not counted.

The index is compared with the one in a bundle that Debian's `rauc` writes, and the sum of all units
with the length of that bundle. Fetching itself is computed: it needs an nbd device and root.

Source: RAUC manual, "Advanced topics: Adaptive Updates".
"""

import hashlib
import shutil
import zlib
from dataclasses import dataclass
from pathlib import Path

from edge import process

Buffer = bytes | bytearray | memoryview
BLOCK_BYTES = 4096
HASH_BYTES = 32
SUBJECT = "/O=bench/CN=bench"
MANIFEST = """\
[update]
compatible=bench
version=1

[bundle]
format={format}

[image.rootfs]
filename=rootfs.img
"""
ADAPTIVE = "adaptive=block-hash-index\n"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is fetched for a new image: `index` and `units`, in bytes."""

    index_bytes: int
    unit_bytes: int
    units: int

    @property
    def total_bytes(self) -> int:
        """Return all that is fetched."""
        return self.index_bytes + self.unit_bytes


def index_of(image: Buffer) -> list[bytes]:
    """Return the hash of each block; the last one is filled up with zeros."""
    view = memoryview(image)
    return [
        hashlib.sha256(bytes(view[at : at + BLOCK_BYTES]).ljust(BLOCK_BYTES, b"\0")).digest()
        for at in range(0, len(view), BLOCK_BYTES)
    ]


def plan(old: Buffer, new: Buffer, *, unit_bytes: int) -> Plan:
    """Return what a device with the old image fetches of a bundle with the new one."""
    have = set(index_of(old))
    wanted = index_of(new)
    blocks_per_unit = unit_bytes // BLOCK_BYTES
    missing = {
        number // blocks_per_unit for number, known in enumerate(wanted) if known not in have
    }
    view = memoryview(new)
    fetched = sum(
        _stored_bytes(view[unit * unit_bytes : (unit + 1) * unit_bytes]) for unit in missing
    )
    return Plan(len(wanted) * HASH_BYTES, fetched, len(missing))


def all_units_bytes(image: Buffer, *, unit_bytes: int) -> int:
    """Return what all units of an image take."""
    view = memoryview(image)
    return sum(_stored_bytes(view[at : at + unit_bytes]) for at in range(0, len(view), unit_bytes))


def _stored_bytes(unit: memoryview) -> int:
    """Return the length of one unit: none for zeros, raw where zlib gains nothing."""
    if unit == bytes(len(unit)):
        return 0
    return min(len(unit), len(zlib.compress(unit, 9)))


def make_keys(folder: Path) -> tuple[Path, Path]:
    """Return a certificate of our own and its key, for bundles of the benchmark."""
    certificate, key = folder / "bench.cert.pem", folder / "bench.key.pem"
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", SUBJECT]
    process.run([*words, "-days", "30", "-keyout", key, "-out", certificate])
    return certificate, key


def content(image: Path, folder: Path, *, form: str, adaptive: bool) -> Path:
    """Return a folder with manifest and image for `rauc bundle`; the image is not copied."""
    folder.mkdir()
    target = folder / "rootfs.img"
    try:
        target.hardlink_to(image)
    except OSError:
        shutil.copyfile(image, target)
    text = MANIFEST.format(format=form) + (ADAPTIVE if adaptive else "")
    (folder / "manifest.raucm").write_text(text)
    return folder


def check(image: Path, folder: Path) -> str:
    """Compare the computation with a bundle that the real tool writes; return what was seen."""
    certificate, key = make_keys(folder)
    bundle = folder / "bundle.raucb"
    inside = content(image, folder / "content", form="verity", adaptive=True)
    process.run(["rauc", "bundle", f"--cert={certificate}", f"--key={key}", inside, bundle])
    unpacked = folder / "unpacked"
    process.run(["unsquashfs", "-q", "-n", "-d", unpacked, bundle])
    written = (unpacked / "rootfs.img.block-hash-index").read_bytes()
    data = image.read_bytes()
    equal = written == b"".join(index_of(data))
    units_bytes = all_units_bytes(data, unit_bytes=128 << 10)
    return (
        f"index {'equal to' if equal else 'OTHER THAN'} the real one; all units with the index"
        f" {units_bytes + len(written):,} bytes, the real bundle {bundle.stat().st_size:,}"
    )
