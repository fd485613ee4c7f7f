"""A tiny Debian repository on loopback, made of our own packages, that can fail on request."""

import hashlib
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from edge import process
from edge.debian.mirror import Mirror

SUITES = ("trixie", "trixie-updates", "trixie-security")


@dataclass
class DebianRepository:
    """Packages in `folder`, in pool and dists as Debian has them, unsigned."""

    folder: Path
    uri: str = ""
    requests: list[str] = field(default_factory=list)
    cut_after_bytes: dict[str, int] = field(default_factory=dict)
    down: bool = False
    published: int = 1_700_000_000

    def mirror(self, *, security: bool = False) -> Mirror:
        """Return it as a mirror, which may have security updates."""
        uri = f"{self.uri}/debian"
        security_uri = f"{self.uri}/debian-security" if security else None
        return Mirror(uri, security_uri, Path("/none"), trusted=True)

    def add(
        self,
        name: str,
        version: str = "1.0-1",
        *,
        depends: str = "",
        files: Mapping[str, bytes] | None = None,
        links: Mapping[str, str] | None = None,
        suite: str = "trixie",
    ) -> Path:
        """Make a package and put it into a suite; return its file in the pool."""
        work = self.folder / "work" / f"{name}_{version}"
        control = {"Package": name, "Version": version, "Architecture": "arm64"}
        control |= {"Maintainer": "Test <test@example.org>", "Description": "for tests"}
        control |= {"Depends": depends} if depends else {}
        _write(work / "DEBIAN" / "control", _stanza(control))
        for path, content in (files or {f"usr/share/{name}": name.encode()}).items():
            _write(work / path, content)
            (work / path).chmod(0o755 if content.startswith(b"#!") else 0o644)
        for path, target in (links or {}).items():
            (work / path).parent.mkdir(parents=True, exist_ok=True)
            (work / path).symlink_to(target)
        base = self._base(suite)
        file_version = version.rpartition(":")[2]
        pool = base / "pool" / "main" / name[0] / name / f"{name}_{file_version}_arm64.deb"
        pool.parent.mkdir(parents=True, exist_ok=True)
        process.run(["dpkg-deb", "--root-owner-group", "-Zxz", "-b", work, pool])
        data = pool.read_bytes()
        control |= {"Filename": str(pool.relative_to(base)), "Size": str(len(data))}
        control |= {"SHA256": hashlib.sha256(data).hexdigest()}
        _write(self.folder / "index" / suite / f"{name}_{version}", _stanza(control))
        self.publish()
        return pool

    def drop(self, deb: Path) -> None:
        """Take a package away as mirrors do: from the pool and from the lists."""
        deb.unlink()
        name, version, _ = deb.name.split("_")
        for stanza in (self.folder / "index").glob(f"*/{name}_*{version}"):
            stanza.unlink()
        self.publish()

    def publish(self) -> None:
        """Write the lists of all suites."""
        for suite in SUITES:
            dists = self._base(suite) / "dists" / suite
            stanzas = sorted((self.folder / "index" / suite).glob("*"))
            lists = b"\n".join(path.read_bytes() for path in stanzas)
            sums = ""
            for component in ("main", "non-free-firmware"):
                data = lists if component == "main" else b""
                path = f"{component}/binary-arm64/Packages"
                _write(dists / path, data)
                sums += f" {hashlib.sha256(data).hexdigest()} {len(data)} {path}\n"
            release = {"Suite": suite, "Codename": suite, "Architectures": "arm64"}
            release |= {"Components": "main non-free-firmware"}
            release |= {"Date": "Sat, 09 Aug 2025 10:00:00 UTC", "SHA256": f"\n{sums}".rstrip()}
            _write(dists / "Release", _stanza(release))
            # Servers and apt compare times by the second.
            self.published += 1
            os.utime(dists / "Release", (self.published, self.published))

    def _base(self, suite: str) -> Path:
        name = "debian-security" if suite.endswith("-security") else "debian"
        return self.folder / "www" / name

    def asked_for(self, suffix: str = ".deb") -> Sequence[str]:
        """Return the names of the files that were asked for."""
        return [Path(path).name for path in self.requests if path.endswith(suffix)]


@contextmanager
def served(folder: Path) -> Iterator[DebianRepository]:
    """Give an empty repository that is served until the block ends."""
    repository = DebianRepository(folder)
    repository.publish()

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(folder / "www"))  # type: ignore[arg-type]

        def do_GET(self) -> None:
            repository.requests.append(self.path)
            limit = repository.cut_after_bytes.get(Path(self.path).name)
            if repository.down:
                self.close_connection = True
            elif limit is not None:
                self._send_part(limit)
            else:
                super().do_GET()

        def _send_part(self, limit: int) -> None:
            """Promise the whole file, send a part, and be gone from then on."""
            data = Path(self.translate_path(self.path)).read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[:limit])
            repository.down = True
            self.close_connection = True

        def log_message(self, format: str, *arguments: object) -> None:
            del format, arguments

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        repository.uri = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield repository
        finally:
            server.shutdown()
            thread.join()


def _stanza(fields: Mapping[str, str]) -> bytes:
    return "".join(f"{key}: {value}\n" for key, value in fields.items()).encode()


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
