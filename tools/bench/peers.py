"""The methods of others for the bytes of an update, each run for real and its result compared.

A peer gets a pair of images and an empty folder, and returns what it would send. `equal` is None
where the tool has no way to make the new image here: its bytes are then computed, and the note
says how.
"""

import filecmp
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge import process, toolbox
from tools.bench import rauc_adaptive
from tools.bench.usage import Measured, Usage, measured

EROFS_MAGIC_AT, EROFS_MAGIC = 1024, bytes.fromhex("e2e1f5e0")  # erofs_fs.h, little-endian


@dataclass(frozen=True, slots=True)
class Pair:
    """An installed image and the one to be installed."""

    name: str
    old: Path
    new: Path


@dataclass(frozen=True, slots=True)
class Result:
    """What one method sends for one pair, and what it took to make and to apply."""

    sent_bytes: int
    make: Usage | None = None
    apply: Usage | None = None
    equal: bool | None = None
    note: str = ""
    apply_mb_per_s: float | None = None  # of the image, in the process that applies
    apply_above_mib: float | None = None  # above the interpreter with its imports


@dataclass(frozen=True, slots=True)
class Peer:
    """One method: the programs it needs, with the Debian package of each, and how to run it."""

    title: str
    programs: Mapping[str, str]
    run: Callable[[Pair, Path], Result]
    needs_trees: bool = False  # it sends files, so it must be able to take them out of the images


def same(first: Path, second: Path) -> bool:
    """Compare two files byte for byte."""
    return filecmp.cmp(first, second, shallow=False)


def has_trees(pair: Pair) -> bool:
    """Say whether both images are erofs."""
    return all(_magic(image) == EROFS_MAGIC for image in (pair.old, pair.new))


def _magic(image: Path) -> bytes:
    with image.open("rb") as stream:
        stream.seek(EROFS_MAGIC_AT)
        return stream.read(len(EROFS_MAGIC))


def _made(pair: Pair, output: Path, patch: Path, make: Measured, apply: Measured) -> Result:
    equal = same(output, pair.new)
    output.unlink()
    return Result(patch.stat().st_size, make.usage, apply.usage, equal)


def zstd_full(pair: Pair, folder: Path) -> Result:
    """Send the whole image: the reference for all shares."""
    packed, output = folder / "full.zst", folder / "out"
    make = measured(["zstd", "-19", "-T1", "-q", "-f", pair.new, "-o", packed])
    apply = measured(["zstd", "-d", "-q", "-f", packed, "-o", output])
    return _made(pair, output, packed, make, apply)


def xz_full(pair: Pair, folder: Path) -> Result:
    """Send the whole image, compressed better and slower."""
    packed, output = folder / "full.xz", folder / "out"
    make = measured(["xz", "-6", "-T1", "-c", pair.new], output=packed)
    apply = measured(["xz", "-dc", packed], output=output)
    return _made(pair, output, packed, make, apply)


def xdelta3(pair: Pair, folder: Path) -> Result:
    """As Mender and Rugix; the window holds the whole old image."""
    patch, output = folder / "patch", folder / "out"
    window = f"-B{max(pair.old.stat().st_size, 1 << 26)}"
    make = measured(["xdelta3", "-e", "-9", "-f", window, "-s", pair.old, pair.new, patch])
    apply = measured(["xdelta3", "-d", "-f", window, "-s", pair.old, patch, output])
    return _made(pair, output, patch, make, apply)


def bsdiff(pair: Pair, folder: Path) -> Result:
    patch, output = folder / "patch", folder / "out"
    make = measured(["bsdiff", pair.old, pair.new, patch])
    apply = measured(["bspatch", pair.old, output, patch])
    return _made(pair, output, patch, make, apply)


def zstd_patch(pair: Pair, folder: Path) -> Result:
    patch, output = folder / "patch", folder / "out"
    longest = max(pair.old.stat().st_size, pair.new.stat().st_size)
    long = f"--long={max(27, longest.bit_length())}"
    base = f"--patch-from={pair.old}"
    make = measured(["zstd", "-19", "-T1", "-q", "-f", long, base, pair.new, "-o", patch])
    apply = measured(["zstd", "-d", "-q", "-f", long, base, patch, "-o", output])
    return _made(pair, output, patch, make, apply)


def casync(average_kib: int) -> Callable[[Pair, Path], Result]:
    """Return the run with chunks of this average size."""

    def run(pair: Pair, folder: Path) -> Result:
        size = f"--chunk-size={average_kib << 10}"
        stores = [folder / "old.castr", folder / "new.castr"]
        indexes = [folder / "old.caibx", folder / "new.caibx"]
        runs = [
            measured(["casync", "make", f"--store={store}", size, index, image])
            for store, index, image in zip(stores, indexes, (pair.old, pair.new), strict=True)
        ]
        sent = [indexes[1], *_only_missing(stores[0], stores[1])]
        sent_bytes = sum(path.stat().st_size for path in sent)
        output = folder / "out"
        # Only the missing chunks are in the store now, the rest comes from the old image.
        words = (f"--store={stores[1]}", f"--seed={pair.old}", indexes[1], output)
        apply = measured(("casync", "extract", *words))
        equal = same(output, pair.new)
        return Result(sent_bytes, runs[1].usage, apply.usage, equal, f"{len(sent) - 1} chunks")

    return run


def _only_missing(old: Path, new: Path) -> list[Path]:
    """Remove the chunks of the new store that the old one has; return those that stay."""
    known = {path.name for path in old.rglob("*.cacnk")}
    chunks = sorted(new.rglob("*.cacnk"))
    for path in chunks:
        if path.name in known:
            path.unlink()
    return [path for path in chunks if path.name not in known]


def zchunk(pair: Pair, folder: Path) -> Result:
    old, new = folder / "old.zck", folder / "new.zck"
    measured(["zck", "-o", old, pair.old])
    make = measured(["zck", "-o", new, pair.new])
    # «Would download 7292541 of 24511234 bytes»
    told = process.run(["zck_delta_size", old, new]).stdout.decode()
    words = told.partition("Would download ")[2].split()
    return Result(int(words[0]), make.usage, note="bytes as its zck_delta_size counts them")


def rauc(unit_kib: int) -> Callable[[Pair, Path], Result]:
    """Return the computation for squashfs units of this size."""

    def run(pair: Pair, folder: Path) -> Result:
        old, new = pair.old.read_bytes(), pair.new.read_bytes()
        plan = rauc_adaptive.plan(old, new, unit_bytes=unit_kib << 10)
        note = f"computed: index {plan.index_bytes:,}, {plan.units} units"
        if unit_kib == 128 and not len(new) % rauc_adaptive.BLOCK_BYTES:
            note += f"; checked: {rauc_adaptive.check(pair.new, folder)}"
        return Result(plan.total_bytes, note=note)

    return run


def ostree(pair: Pair, folder: Path) -> Result:
    """Send a static delta between the two trees, made and applied by the real tool."""
    repo, device = folder / "repo", folder / "device"
    commits = []
    for side, image in (("old", pair.old), ("new", pair.new)):
        tree = folder / side
        process.run([*toolbox.tool("fsck.erofs"), f"--extract={tree}", "--force", image])
        commits.append(_commit(repo, tree, side))
    delta = folder / "delta"
    words = [f"--from={commits[0]}", f"--to={commits[1]}", f"--filename={delta}"]
    whole = ["--inline", "--min-fallback-size=0"]
    make = measured(["ostree", "static-delta", "generate", f"--repo={repo}", *whole, *words])
    process.run(["ostree", "init", f"--repo={device}", "--mode=bare-user"])
    process.run(["ostree", "pull-local", f"--repo={device}", repo, commits[0]])
    apply = measured(["ostree", "static-delta", "apply-offline", f"--repo={device}", delta])
    output = folder / "out"
    process.run(["ostree", "checkout", "-U", f"--repo={device}", commits[1], output])
    equal = not process.run(["diff", "-r", "--no-dereference", output, folder / "new"]).stdout
    note = "compared as trees: it makes no image"
    return Result(delta.stat().st_size, make.usage, apply.usage, equal, note)


def _commit(repo: Path, tree: Path, branch: str) -> str:
    if not repo.exists():
        process.run(["ostree", "init", f"--repo={repo}", "--mode=bare-user"])
    fixed = ["--owner-uid=0", "--owner-gid=0", "--no-xattrs", "--timestamp=@0"]
    words = [f"--branch={branch}", f"--tree=dir={tree}", *fixed]
    return process.run(["ostree", "commit", f"--repo={repo}", *words]).stdout.decode().strip()


_RAUC = {"rauc": "rauc", "unsquashfs": "squashfs-tools"}
PEERS: Mapping[str, Peer] = {
    "zstd": Peer("full, zstd -19", {"zstd": "zstd"}, zstd_full),
    "xz": Peer("full, xz -6", {"xz": "xz-utils"}, xz_full),
    "rauc128": Peer("RAUC adaptive, 128 KiB", _RAUC, rauc(128)),
    "rauc64": Peer("RAUC adaptive, 64 KiB", _RAUC, rauc(64)),
    "casync64": Peer("casync, 64 KiB", {"casync": "casync"}, casync(64)),
    "casync16": Peer("casync, 16 KiB", {"casync": "casync"}, casync(16)),
    "zchunk": Peer("zchunk", {"zck": "zchunk", "zck_delta_size": "zchunk"}, zchunk),
    "xdelta3": Peer("xdelta3 -9", {"xdelta3": "xdelta3"}, xdelta3),
    "zstdpatch": Peer("zstd -19 --patch-from", {"zstd": "zstd"}, zstd_patch),
    "bsdiff": Peer("bsdiff", {"bsdiff": "bsdiff", "bspatch": "bsdiff"}, bsdiff),
    "ostree": Peer("OSTree static delta", {"ostree": "ostree"}, ostree, needs_trees=True),
}


def missing(peers: Sequence[Peer]) -> list[str]:
    """Return the Debian packages whose programs are not on this machine."""
    wanted = {program: package for peer in peers for program, package in peer.programs.items()}
    return sorted({package for program, package in wanted.items() if not shutil.which(program)})
