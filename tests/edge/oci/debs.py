"""Tiny Debian packages for tests, made by dpkg-deb."""

from collections.abc import Mapping
from pathlib import Path

from edge import process
from edge.debian.archive import Package
from edge.oci.store import Store
from edge.oci.tree import Entry, Kind


def make_deb(name: str, files: Mapping[str, Entry], folder: Path) -> Path:
    """Return a package with these files, all of root's."""
    root = folder / name
    (root / "DEBIAN").mkdir(parents=True)
    fields = f"Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: nobody\nDescription: x\n"
    (root / "DEBIAN" / "control").write_text(fields)
    for path, entry in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        match entry.kind:
            case Kind.FILE:
                target.write_bytes(entry.read())
                target.chmod(entry.mode)
            case Kind.FOLDER:
                target.mkdir(exist_ok=True)
                target.chmod(entry.mode)
            case Kind.LINK:
                target.symlink_to(entry.target)
    output = folder / f"{name}.deb"
    process.run(["dpkg-deb", "--root-owner-group", "-Znone", "--build", root, output])
    return output


def stored_deb(name: str, files: Mapping[str, Entry], folder: Path, store: Store) -> Package:
    """Return a package that is in the store."""
    path = make_deb(name, files, folder)
    size_bytes = path.stat().st_size
    digest = store.add_file(path)
    sha256 = digest.removeprefix("sha256:")
    return Package(name, "1", "all", sha256, size_bytes, f"pool/{name}.deb", "main")
