"""Small scripts that start a program of the tree with the tree's own loader and libraries.

They find the tree by their own place, so it can be renamed; programs that start others find those
of the tree first. `LD_LIBRARY_PATH` is not set: it would reach programs of the host.
"""

from dataclasses import dataclass
from pathlib import Path

from edge.toolbox import catalogue
from edge.toolbox.catalogue import Group

COMPILER_PARTS = ("cc1", "collect2", "as", "ld")
CROSS = "aarch64-linux-gnu"
_LOADERS = {
    "amd64": ("x86_64-linux-gnu", "usr/lib64/ld-linux-x86-64.so.2"),
    "arm64": ("aarch64-linux-gnu", "usr/lib/ld-linux-aarch64.so.1"),
}
_WORDS = {
    # The linker's scripts for shared libraries name paths from the root.
    "aarch64-linux-gnu-gcc": ('-B"$t/compiler"', '-Wl,--sysroot="$t/root"'),
    "scp": ('-S"$t/bin/ssh"',),
}
# Their own files, which they would look for on the host.
_ENVIRONMENT = {
    "e2fsprogs": {"MKE2FS_CONFIG": "$t/root/etc/mke2fs.conf"},
    "mtools": {"GCONV_PATH": "$t/root/usr/lib/{triplet}/gconv"},
    "openssl": {
        "OPENSSL_CONF": "$t/root/etc/ssl/openssl.cnf",
        "OPENSSL_MODULES": "$t/root/usr/lib/{triplet}/ossl-modules",
    },
    "python3.13": {
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHOME": "$t/root/usr",
        "PYTHONNOUSERSITE": "1",
        "PYTHONPATH": "$t/root/usr/lib/python3/dist-packages",
    },
}


@dataclass(frozen=True, slots=True)
class Loader:
    """How programs of one architecture are started from the tree in `root`."""

    root: Path
    triplet: str
    loader: str

    @property
    def libraries(self) -> str:
        """The library path, as a script writes it."""
        main = Path(f"usr/lib/{self.triplet}")
        private = {so.parent for so in (self.root / main).glob("*/lib*.so*") if _is_private(so)}
        folders = [main, *sorted(folder.relative_to(self.root) for folder in private)]
        return ":".join(f"$t/root/{folder}" for folder in folders)

    def script(self, program: Path, *words: str, package: str = "") -> str:
        """Return the script that starts `program`, a path inside the root."""
        lines = ["#!/bin/sh", "t=${0%/*/*}", 'export PATH="$t/bin:$PATH"']
        for name, value in _ENVIRONMENT.get(package, {}).items():
            lines.append(f'export {name}="{value.format(triplet=self.triplet)}"')
        start = f'"$t/root/{self.loader}" --library-path "{self.libraries}" "$t/root/{program}"'
        lines.append(" ".join(["exec", start, *words, '"$@"']))
        return "\n".join(lines) + "\n"


def loader_for(root: Path, architecture: str) -> Loader:
    """Return the loader for a tree of this architecture."""
    return Loader(root, *_LOADERS[architecture])


def write(tree: Path, architecture: str) -> list[str]:
    """Write the scripts of all programs and of the compiler's parts; return what was not found."""
    loader = loader_for(tree / "root", architecture)
    missing = []
    for group in catalogue.GROUPS:
        for name in group.programs:
            program = _program(tree / "root", name)
            if program is None:
                missing.append(name)
            else:
                _put(tree / "bin" / name, _script(loader, program, group))
    for part in COMPILER_PARTS:
        program = compiler_part(tree / "root", part)
        if program is None:
            missing.append(part)
        else:
            _put(tree / "compiler" / part, loader.script(program))
    return missing


def compiler_part(root: Path, part: str) -> Path | None:
    """Return the path inside the root of a program that the compiler starts."""
    name = {"as": f"{CROSS}-as", "ld": f"{CROSS}-ld.bfd"}.get(part)
    if name:
        return _program(root, name)
    found = sorted(root.glob(f"usr/libexec/gcc*/{CROSS}/*/{part}"))
    return found[-1].relative_to(root) if found else None


def _is_private(library: Path) -> bool:
    """Whether programs may be linked with it though it is not in the main folder."""
    return library.parent.name in ("pulseaudio", "blas", "lapack", "openssl")


def _program(root: Path, name: str) -> Path | None:
    places = (Path(folder) / name for folder in catalogue.PROGRAM_FOLDERS)
    return next((place for place in places if (root / place).exists()), None)


def _script(loader: Loader, program: Path, group: Group) -> str:
    if group.static:
        return f'#!/bin/sh\nexec "${{0%/*/*}}/root/{program}" "$@"\n'
    with (loader.root / program).open("rb") as stream:
        is_python = stream.read(64).startswith(b"#!/usr/bin/python3")
    if is_python:
        python = Path("usr/bin/python3.13")
        return loader.script(python, f'"$t/root/{program}"', package="python3.13")
    return loader.script(program, *_WORDS.get(program.name, ()), package=group.package)


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
