"""How many bytes of files the console sends in a second of processor time, against nginx.

    PYTHONPATH=. .venv/bin/python tools/bench/files.py [--seconds 5] [--rounds 3]

Both send ranges of 4 MiB of one file that is in memory, over plain HTTP on the loopback, to four
connections that only read; in turn, in one run. The console is a process of its own with the real
link, desk and store; a certificate comes in a header, as TLS would give it. nginx is Debian's, with
one worker and `sendfile on`. The time of the readers is not counted.
"""

import argparse
import asyncio
import base64
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web
from cryptography import x509
from sqlalchemy import Connection, insert

from edge.console import tenants
from edge.console.audit import Actor
from edge.console.devices import certificates
from edge.console.front_desk import FrontDesk
from edge.console.http.link import HttpLink
from edge.console.repository.vaults import Vaults
from edge.console.store.database import Database
from edge.console.store.tables import DEVICES, SIGHTINGS
from edge.console.tenants import Tenant
from edge.errors import ToolError
from edge.keys import create
from tests.fakes.pki import Pki
from tools.bench import proc

MIB = 1 << 20
FILE_MIB, RANGE_MIB, CONNECTIONS = 512, 4, 4
HEADER = "X-Certificate"
NAME = "blobs/" + "ab" * 32


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve:
        asyncio.run(serve(chosen.serve))
        return
    if shutil.which("nginx") is None:
        raise ToolError("nginx: program not found", hint="apt-get install nginx-light")
    with tempfile.TemporaryDirectory(prefix="edge-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        certificate = fill(folder)
        with console(folder) as ours, nginx(folder) as theirs:
            compare(ours, theirs, certificate, chosen.seconds, chosen.rounds)


def compare(
    ours: tuple[int, int], theirs: tuple[int, int], certificate: str, seconds: float, rounds: int
) -> None:
    """Measure both in turn, and print what they did."""
    head = f"{HEADER}: {certificate}\r\n"
    rates: dict[str, list[float]] = {"edge": [], "nginx": []}
    for _round in range(rounds):
        for name, (port, pid), path, extra in (
            ("edge", ours, f"/repository/{NAME}", head),
            ("nginx", theirs, f"/{NAME}", ""),
        ):
            before = proc.cpu_s(pid)
            sent = read(port, path, extra, seconds)
            used_s = proc.cpu_s(pid) - before
            rates[name].append(sent / MIB / used_s)
            wall = sent / MIB / seconds
            print(f"{name}: {rates[name][-1]:,.0f} MiB per CPU-second ({wall:,.0f} MiB/s)")
    medians = {name: statistics.median(found) for name, found in rates.items()}
    ratios = [one / other for one, other in zip(rates["edge"], rates["nginx"], strict=True)]
    print(
        f"edge / nginx: {medians['edge'] / medians['nginx']:.2f} by the medians;"
        f" rounds {' '.join(f'{one:.2f}' for one in ratios)}"
    )


def fill(folder: Path) -> str:
    """Make a console with one device and one file; return the device's certificate in Base64."""
    pki = Pki.make(folder / "pki")
    create.init(folder / "keys", now=datetime.now(UTC), products=("gateway",))
    database = Database(f"sqlite:///{folder / 'console.db'}")
    actor = Actor("default", "console", 1)
    authority = certificates.authority(pki.factory.file.read_bytes(), "bench")
    database.write_now(lambda one: tenants.ensure(one, actor, keys_folder=str(folder / "keys")))
    database.write_now(lambda one: tenants.add_authority(one, actor, authority))
    pem = (pki.device("unit-1") / "device.crt").read_bytes()
    der = certificates.der_of(x509.load_pem_x509_certificate(pem))

    def put(connection: Connection) -> None:
        same = {"tenant": "default", "device": "unit-1"}
        print_ = certificates.fingerprint(der)
        connection.execute(insert(DEVICES).values(**same, state="accepted", fingerprint=print_))
        connection.execute(insert(SIGHTINGS).values(**same))

    database.write_now(put)
    database.close()
    vaults = Vaults(folder / "tenants", lambda: datetime.now(UTC))
    vaults.open(Tenant("default", str(folder / "keys")))
    file = vaults.of("default").repository.folder / NAME
    file.parent.mkdir(exist_ok=True)
    with file.open("wb") as stream:
        for _piece in range(FILE_MIB):
            stream.write(os.urandom(MIB))
    return base64.b64encode(der).decode()


async def serve(folder: Path) -> None:
    """Serve until the input ends."""
    database = Database(f"sqlite:///{folder / 'console.db'}")
    vaults = Vaults(folder / "tenants", lambda: datetime.now(UTC))
    vaults.open(Tenant("default", str(folder / "keys")))
    shown: Callable[[web.Request], bytes] = lambda request: base64.b64decode(  # noqa: E731
        request.headers[HEADER]
    )
    link = HttpLink(FrontDesk(database, vaults), vaults, shown=shown)
    runner = web.AppRunner(link.app(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(json.dumps(runner.addresses[0][1]), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()
    database.close()


@contextmanager
def console(folder: Path) -> Iterator[tuple[int, int]]:
    """Run the console; give its port and process."""
    words = [sys.executable, __file__, "--serve", str(folder)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:  # noqa: TID251
        assert child.stdout is not None
        yield json.loads(child.stdout.readline()), child.pid
        child.communicate()


@contextmanager
def nginx(folder: Path) -> Iterator[tuple[int, int]]:
    """Run nginx with one worker, in the foreground; give its port and process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    root = folder / "tenants/default/repository"
    settings = f"""
        daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
        events {{ worker_connections 64; }}
        http {{
          access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;
          client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
          fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi;
          scgi_temp_path {folder}/scgi;
          server {{ listen 127.0.0.1:{port}; root {root}; }}
        }}
    """
    (folder / "nginx.conf").write_text(settings)
    child = subprocess.Popen(["nginx", "-c", str(folder / "nginx.conf"), "-e", "stderr"])  # noqa: TID251
    try:
        for _attempt in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield port, child.pid
    finally:
        child.terminate()
        child.wait()


def read(port: int, path: str, extra: str, seconds: float) -> int:
    """Read ranges for so long with all connections; return how many bytes of the file came."""
    counts = [0] * CONNECTIONS
    end_s = time.monotonic() + seconds

    def work(number: int) -> None:
        buffer = bytearray(MIB)
        at = number
        with socket.create_connection(("127.0.0.1", port)) as link:
            while time.monotonic() < end_s:
                first = at * RANGE_MIB * MIB % (FILE_MIB * MIB)
                last = first + RANGE_MIB * MIB - 1
                words = f"GET {path} HTTP/1.1\r\nHost: bench\r\n{extra}Range: bytes={first}-{last}"
                link.sendall(f"{words}\r\n\r\n".encode())
                counts[number] += body(link, buffer)
                at += CONNECTIONS

    threads = [threading.Thread(target=work, args=(one,)) for one in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts)


def body(link: socket.socket, buffer: bytearray) -> int:
    """Read one answer; return how long its body was."""
    head = b""
    while b"\r\n\r\n" not in head:
        head += link.recv(4096)
    top, _end, rest = head.partition(b"\r\n\r\n")
    assert top.startswith(b"HTTP/1.1 206"), top
    left = RANGE_MIB * MIB - len(rest)
    while left:
        got = link.recv_into(buffer, min(left, len(buffer)))
        assert got, "the connection ended"
        left -= got
    return RANGE_MIB * MIB


if __name__ == "__main__":
    main()
