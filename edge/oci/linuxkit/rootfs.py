"""The files of an image as LinuxKit puts them into a root.

What docker makes in each running container is replaced by a fixed form of it.

Source: src/cmd/linuxkit/moby/build/image.go of LinuxKit and the trees that it makes.
"""

from typing import Final

from edge.oci.tree import Entry, Kind, Tree, file, folder

RESOLV_CONF_ON_DEVICE: Final = "/run/resolvconf/resolv.conf"
_LEFT_OUT = (".dockerenv", "Dockerfile", "dev/console", "etc/hostname")
_FOLDERS = ("dev", "dev/pts", "dev/shm", "etc", "proc", "sys")
_HOSTS: Final = b"""127.0.0.1       localhost
::1     localhost ip6-localhost ip6-loopback
fe00::0 ip6-localnet
ff00::0 ip6-mcastprefix
ff02::1 ip6-allnodes
ff02::2 ip6-allrouters
"""
_NO_RESOLV_CONF: Final = b"\n# no resolv.conf configured\n"


def image_root(image: Tree, *, on_device: bool) -> Tree:
    """Return the files of an image and what LinuxKit adds to them.

    Args:
        image: All layers of the image.
        on_device: It becomes the root of the device or a volume: names are resolved as there.
    """
    tree = image.copy()
    for path in _LEFT_OUT:
        tree.remove(path)
    for path in _FOLDERS:
        _put(path, folder(), tree)
    if "etc/mtab" not in tree:
        tree.add("etc/mtab", Entry(Kind.LINK, 0o755, target="/proc/mounts"))
    _put("etc/hosts", file(_HOSTS), tree)
    target = Entry(Kind.LINK, 0o644, target=RESOLV_CONF_ON_DEVICE)
    _put("etc/resolv.conf", target if on_device else file(_NO_RESOLV_CONF), tree)
    return tree


def _put(path: str, entry: Entry, tree: Tree) -> None:
    """Put an entry at a path itself, even if a link is there."""
    place = tree.resolve(path, last=False)
    old = tree.get(place)
    if old is not None and old.kind is not entry.kind:
        tree.remove(place)
    if old is not None and old.kind is entry.kind is Kind.FOLDER:
        tree.put(place, entry)
    else:
        tree.add(place, entry, override=True)


def lay(image: Tree, root: Tree) -> None:
    """Put all files of one tree into another, as tars unpacked one after the other: last wins."""
    for path, entry in image:
        if not image.is_implied(path):
            _put(path, entry, root)
