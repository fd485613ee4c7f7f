"""How many polls and states of devices the console answers in a second of processor time.

    PYTHONPATH=. .venv/bin/python tools/bench/console.py [--devices 1000000] [--seconds 10]

The server is a process of its own, with the real handlers, desk and store over SQLite, and no TLS:
the certificate comes in a header, as TLS would give it. Callers with certificates ask one after the
other over kept connections; all other devices are known and silent. The load comes from this
process, and its time is not counted.
"""

import argparse
import asyncio
import base64
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
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
from edge_signing import canonical
from edge_signing.messages import Desired, Status
from tests.fakes.pki import Pki

CALLERS = 500
CONNECTIONS = 32
ROWS = 20_000
HEADER = "X-Certificate"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve:
        asyncio.run(serve(chosen.serve))
        return
    with tempfile.TemporaryDirectory(prefix="edge-bench-") as name:
        folder = Path(name)
        shown = fill(folder, chosen.devices)
        asyncio.run(measure(folder, shown, chosen.seconds))


def fill(folder: Path, count: int) -> dict[str, bytes]:
    """Make a database of so many devices; return the callers with their certificates."""
    pki = Pki.make(folder / "pki")
    database = Database(f"sqlite:///{folder / 'console.db'}")
    actor = Actor("default", "console", 1)
    authority = certificates.authority(pki.factory.file.read_bytes(), "bench")
    database.write_now(lambda one: tenants.ensure(one, actor, keys_folder="none"))
    database.write_now(lambda one: tenants.add_authority(one, actor, authority))
    shown = {}
    for number in range(CALLERS):
        pem = (pki.device(f"caller-{number}") / "device.crt").read_bytes()
        shown[f"caller-{number}"] = certificates.der_of(x509.load_pem_x509_certificate(pem))
    director = canonical.encode({"signed": {"filler": "x" * 1500}})
    order = Desired(1, "1-a", "gateway/1/release.json", director).pack()
    names = [*shown, *(f"silent-{number}" for number in range(count - len(shown)))]
    began_s = time.monotonic()
    for at in range(0, len(names), ROWS):
        rows = [row(name, shown.get(name), order) for name in names[at : at + ROWS]]
        database.write_now(partial(put, rows=rows))
    database.close()
    print(f"{len(names)} devices stored in {time.monotonic() - began_s:.1f} s", flush=True)
    return shown


def row(name: str, der: bytes | None, order: bytes) -> dict[str, object]:
    fingerprint = certificates.fingerprint(der) if der else os.urandom(32).hex()
    return {
        "tenant": "default",
        "device": name,
        "state": "accepted",
        "fingerprint": fingerprint,
        "desired": order if der else None,
        "desired_renew_at_s": 1 << 40,
    }


def put(connection: Connection, rows: list[dict[str, object]]) -> None:
    connection.execute(insert(DEVICES), rows)
    seen = [{"tenant": one["tenant"], "device": one["device"]} for one in rows]
    connection.execute(insert(SIGHTINGS), seen)


async def serve(folder: Path) -> None:
    """Serve until the input ends; each line of it is answered with the processor time."""
    database = Database(f"sqlite:///{folder / 'console.db'}")
    vaults = Vaults(folder / "tenants", lambda: datetime.now(UTC))
    desk = FrontDesk(database, vaults)
    shown: Callable[[web.Request], bytes] = lambda request: base64.b64decode(  # noqa: E731
        request.headers[HEADER]
    )
    runner = web.AppRunner(HttpLink(desk, vaults, shown=shown).app(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()

    async def store() -> None:
        while True:
            await asyncio.sleep(1)
            await desk.store_sightings()

    storing = asyncio.create_task(store())
    print(runner.addresses[0][1], flush=True)
    while await asyncio.to_thread(sys.stdin.readline):
        used = resource.getrusage(resource.RUSAGE_SELF)
        told = {"cpu_s": used.ru_utime + used.ru_stime, "rss_kib": used.ru_maxrss}
        print(json.dumps(told), flush=True)
    storing.cancel()
    await runner.cleanup()
    database.close()


async def measure(folder: Path, shown: dict[str, bytes], seconds: float) -> None:
    pipe = asyncio.subprocess.PIPE
    words = [sys.executable, __file__, "--serve", str(folder)]
    server = await asyncio.create_subprocess_exec(*words, stdout=pipe, stdin=pipe)
    reader, writer = server.stdout, server.stdin
    assert reader is not None
    assert writer is not None

    async def used() -> dict[str, float]:
        writer.write(b"\n")
        await writer.drain()
        found: dict[str, float] = json.loads(await reader.readline())
        return found

    await load(int(await reader.readline()), used, shown, seconds)
    writer.close()
    await server.wait()


async def load(
    port: int,
    used: Callable[[], Awaitable[dict[str, float]]],
    shown: dict[str, bytes],
    seconds: float,
) -> None:
    state = Status("boot-1", seq=1, phase="installing", done_bytes=5, planned_bytes=9).pack()
    kinds = {
        "poll, nothing new (304)": lambda name, etag: request("GET", name, "desired", shown, etag),
        "poll, the order again (200)": lambda name, _etag: request("GET", name, "desired", shown),
        "state": lambda name, _etag: request("PUT", name, "state", shown, body=state),
    }
    for title, make in kinds.items():
        etags = dict.fromkeys(shown, "")
        await run(port, shown, lambda name, etag: request("GET", name, "desired", shown), etags, 0)
        before, began_s = await used(), time.monotonic()
        count = await run(port, shown, make, etags, seconds)
        wall_s, after = time.monotonic() - began_s, await used()
        cpu_s = after["cpu_s"] - before["cpu_s"]
        print(
            f"{title}: {count / cpu_s:,.0f} per server CPU-second;"
            f" {count:,} in {wall_s:.1f} s and {cpu_s:.1f} s of CPU;"
            f" memory {after['rss_kib'] / 1024:.0f} MiB",
            flush=True,
        )


def request(
    method: str,
    name: str,
    what: str,
    shown: dict[str, bytes],
    etag: str = "",
    body: bytes = b"",
) -> bytes:
    lines = [
        f"{method} /v1/devices/{name}/{what} HTTP/1.1",
        "Host: bench",
        f"{HEADER}: {base64.b64encode(shown[name]).decode()}",
    ]
    lines += [f"If-None-Match: {etag}"] if etag else []
    lines += [f"Content-Length: {len(body)}"] if body else []
    return "\r\n".join([*lines, "", ""]).encode() + body


async def run(
    port: int,
    shown: dict[str, bytes],
    make: Callable[[str, str], bytes],
    etags: dict[str, str],
    seconds: float,
) -> int:
    """Ask for so long, or each caller once; return how often."""
    names = list(shown)
    end_s = time.monotonic() + seconds

    async def connection(number: int) -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        mine, done = names[number::CONNECTIONS], 0
        while True:
            for name in mine:
                writer.write(make(name, etags[name]))
                etags[name] = await answer(reader) or etags[name]
                done += 1
            if time.monotonic() >= end_s:
                writer.close()
                return done

    return sum(await asyncio.gather(*(connection(number) for number in range(CONNECTIONS))))


async def answer(reader: asyncio.StreamReader) -> str:
    """Read an answer, and return its ETag."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    status = head.split(" ", 2)[1]
    assert status in ("200", "204", "304"), head
    fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
    if status == "200":
        await reader.readexactly(int(fields["Content-Length"]))
    return fields.get("Etag") or fields.get("ETag") or ""


if __name__ == "__main__":
    main()
