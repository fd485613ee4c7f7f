"""Real pairs of arm64 root file systems for the benchmarks of update payloads.

    tools/bench/pairs.py lock                 pin the package versions that the mirror has today
    tools/bench/pairs.py fetch                bring the pinned packages into the cache
    tools/bench/pairs.py build [--folder F]   make {tiny,sec,kern,big}-{old,new}.img from them

- tiny: one version string, one configuration file and one Python file of about 150 kB edited;
- sec: Debian 12 as released, and with all that its updates and security archive brought since;
- kern: two kernels of one series, with a part of their modules;
- big: the same packages from Debian 12 and from Debian 13.

No script of a package runs and no root is needed. The images are what `edge build` makes: erofs,
not compressed, without inline data. Papers, translations and character sets are left out.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edge import paths
from edge.debian.archive import Package
from edge.debian.fetching import PackageGoneError
from edge.errors import EdgeError
from edge.image import erofs
from edge.image.plan import guid_of
from edge.oci.layer import from_packages, package_tree
from edge.oci.select import Selection
from edge.oci.store import Store
from edge.oci.tree import Kind, Tree, file
from tools.bench import pair_lock

BLOCK_BYTES = 4096
PAIRS = ("tiny", "sec", "kern", "big")
SIDES = {
    "tiny": ("base", "tiny"),
    "sec": ("base", "sec"),
    "kern": ("kern-old", "kern-new"),
    "big": ("base", "big"),
}
EXCLUDE = ("usr/lib/python3/dist-packages/*/tests", "usr/share/perl5", "boot/System.map*")
# Enough modules that kernel and modules are about as large as the root file systems.
MODULES = (
    "crypto",
    "drivers/bluetooth",
    "drivers/char",
    "drivers/gpio",
    "drivers/hid",
    "drivers/hwmon",
    "drivers/i2c",
    "drivers/iio",
    "drivers/input",
    "drivers/leds",
    "drivers/mmc",
    "drivers/mtd",
    "drivers/net/can",
    "drivers/net/dsa",
    "drivers/net/phy",
    "drivers/net/usb",
    "drivers/pwm",
    "drivers/rtc",
    "drivers/spi",
    "drivers/thermal",
    "drivers/usb",
    "drivers/watchdog",
    "fs/btrfs",
    "fs/ext4",
    "fs/f2fs",
    "fs/fat",
    "fs/fuse",
    "fs/nfs",
    "fs/nls",
    "fs/overlayfs",
    "fs/smb",
    "fs/squashfs",
    "fs/ubifs",
    "net/bluetooth",
    "net/bridge",
    "net/can",
    "net/ipv4",
    "net/ipv6",
    "net/mac80211",
    "net/netfilter",
    "net/sched",
    "net/wireless",
)
CERTIFICATES = "usr/share/ca-certificates/mozilla/"
APP = "usr/lib/edge-app/app.py"
APP_PARTS = ("argparse", "shutil", "smtplib")  # of the pinned Python: about 170 kB
RELEASE = 'NAME="Edge bench"\nVERSION="1.{minor}.0"\n'
CONFIG = "[link]\nretries = 5\ntimeout_s = {timeout_s}\n\n[sensors]\ninterval_s = 10\n"


@dataclass(frozen=True, slots=True)
class Sides:
    """The numbers of one pair's table row."""

    files: tuple[int, int]
    size_bytes: tuple[int, int]
    packages_changed: int
    new_blocks: int
    blocks: int


def store() -> Store:
    """Return where packages of the pairs are kept: longer than the mirror keeps them."""
    return Store(paths.cache_folder() / "bench" / "store")


def default_folder() -> Path:
    """Return where the images go unless the caller says otherwise."""
    return paths.cache_folder() / "bench" / "pairs"


def lock() -> pair_lock.Lock:
    """Return the pinned packages."""
    return pair_lock.parse(pair_lock.LOCK.read_text())


def fetch(pinned: pair_lock.Lock) -> None:
    """Bring all pinned packages into the store; one archive finds the paths of both releases."""
    packages = {package.digest: package for name in pinned for package in pinned[name]}
    pair_lock.archive(pair_lock.OLD_SUITE).fetch(list(packages.values()), store())


def build(pinned: pair_lock.Lock, folder: Path, wanted: Sequence[str]) -> dict[str, Sides]:
    """Make the images of the wanted pairs and return their numbers."""
    trees: dict[str, Tree] = {}
    folder.mkdir(parents=True, exist_ok=True)
    rows = {}
    for pair in wanted:
        for name, side in zip(SIDES[pair], ("old", "new"), strict=True):
            if name not in trees:
                trees[name] = _tree(name, pinned)
            make_image(trees[name], folder / f"{pair}-{side}.img")
        rows[pair] = _sides(pair, pinned, trees, folder)
    return rows


def make_image(tree: Tree, output: Path) -> None:
    """Write a tree as the image of a root file system."""
    # One product keeps its UUID from release to release, as `edge build` does it.
    erofs.make(tree, output, uuid=guid_of("bench", "rootfs"))


def new_blocks(old: Path, new: Path) -> tuple[int, int]:
    """Return how many blocks of the new image are not in the old one, and how many it has."""
    known = set(_blocks(old))
    new_ones = [block for block in _blocks(new) if block not in known]
    return len(new_ones), new.stat().st_size // BLOCK_BYTES


def _blocks(image: Path) -> list[bytes]:
    data = memoryview(image.read_bytes())
    return [bytes(data[at : at + BLOCK_BYTES]) for at in range(0, len(data), BLOCK_BYTES)]


def _tree(name: str, pinned: pair_lock.Lock) -> Tree:
    if name.startswith("kern"):
        return _kernel_tree(pinned[name][0])
    tree = _unpacked(pinned["base" if name == "tiny" else name])
    _add_certificates(tree)
    _add_app(tree, _unpacked(pinned["base"]), edited=name == "tiny")
    return tree


def _unpacked(packages: Sequence[Package]) -> Tree:
    unpacked = [(package.name, package_tree(package, store()).tree) for package in packages]
    return from_packages(unpacked, Selection(exclude=EXCLUDE, include=()))


def _kernel_tree(package: Package) -> Tree:
    tree = Tree()
    for path, entry in package_tree(package, store()).tree:
        place = path.removeprefix("usr/")
        if place.startswith("boot/vmlinuz-"):
            tree.add("boot/Image", entry)
        elif place.startswith("lib/modules/") and entry.kind is Kind.FILE:
            version, _, below = place.removeprefix("lib/modules/").partition("/kernel/")
            if below.startswith(tuple(f"{part}/" for part in MODULES)):
                tree.add(f"usr/lib/modules/{version}/kernel/{below}", entry)
    return tree


def _add_certificates(tree: Tree) -> None:
    """Write the bundle that the script of ca-certificates would write."""
    names = [path for path, _ in tree if path.startswith(CERTIFICATES) and path.endswith(".crt")]
    parts = [entry.read() for name in names if (entry := tree.get(name))]
    tree.add("etc/ssl/certs/ca-certificates.crt", file(b"".join(parts)))


def _add_app(tree: Tree, python: Tree, *, edited: bool) -> None:
    """Add an application whose one file is as large as a person's own program may be."""
    parts = [python.get(f"usr/lib/python3.11/{name}.py") for name in APP_PARTS]
    code = b"\n\n".join(part.read() for part in parts if part)
    if edited:
        code = _edited(code)
    tree.add(APP, file(code))
    tree.add("etc/edge-app.toml", file(CONFIG.format(timeout_s=45 if edited else 30).encode()))
    tree.add("etc/edge-release", file(RELEASE.format(minor=1 if edited else 0).encode()))


def _edited(code: bytes) -> bytes:
    """Return the code as after a morning's work: a line changed, a line gone, a function more."""
    lines = code.split(b"\n")
    lines[200] = b"RETRY_S = 45"
    del lines[1500]
    lines[2500:2500] = [
        b"def _as_told(values):",
        b'    """Return the values in the order in which they were told."""',
        b"    return [value for _, value in sorted(values.items())]",
        b"",
        b"",
    ]
    return b"\n".join(lines)


def _sides(pair: str, pinned: pair_lock.Lock, trees: dict[str, Tree], folder: Path) -> Sides:
    old_name, new_name = SIDES[pair]
    images = [folder / f"{pair}-{side}.img" for side in ("old", "new")]
    missing, blocks = new_blocks(*images)
    return Sides(
        files=(_files(trees[old_name]), _files(trees[new_name])),
        size_bytes=(images[0].stat().st_size, images[1].stat().st_size),
        packages_changed=_changed(pinned, old_name, new_name),
        new_blocks=missing,
        blocks=blocks,
    )


def _files(tree: Tree) -> int:
    return sum(entry.kind is Kind.FILE for _, entry in tree)


def _changed(pinned: pair_lock.Lock, old_name: str, new_name: str) -> int:
    if new_name == "tiny":
        return 0
    known = {package.digest for package in pinned[old_name]}
    return sum(package.digest not in known for package in pinned[new_name])


def table(rows: dict[str, Sides]) -> str:
    """Return the table of the pairs."""
    head = f"{'pair':6}{'files':>14}{'image MB':>16}{'packages':>10}{'new 4 KiB blocks':>20}\n"
    lines = (
        f"{pair:6}{row.files[0]:>6} {row.files[1]:>7}"
        f"{row.size_bytes[0] / 1e6:>8.2f} {row.size_bytes[1] / 1e6:>7.2f}"
        f"{row.packages_changed:>10}{row.new_blocks:>11} of {row.blocks:>5}\n"
        for pair, row in rows.items()
    )
    return head + "".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("verb", choices=("lock", "fetch", "build"))
    parser.add_argument("--folder", type=Path, default=default_folder(), help="of the images")
    parser.add_argument("--only", default=",".join(PAIRS), help="pairs, with commas between")
    options = parser.parse_args()
    try:
        pinned = pair_lock.write() if options.verb == "lock" else lock()
        if options.verb != "lock":
            fetch(pinned)
        if options.verb == "build":
            print(table(build(pinned, options.folder, options.only.split(","))), end="")
    except PackageGoneError as error:
        raise SystemExit(f"{error}\nrun `tools/bench/pairs.py lock` for what is there") from error
    except EdgeError as error:
        raise SystemExit(f"{error}\n{error.hint or ''}".strip()) from error


if __name__ == "__main__":
    main()
