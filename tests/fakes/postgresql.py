"""A PostgreSQL of its own: Debian's programs, in a folder that is gone afterwards."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from sqlalchemy import create_engine, text

PROGRAMS = Path("/usr/lib/postgresql")
# It refuses to run as root.
NOBODY = "nobody"


@contextmanager
def running() -> Iterator[str]:
    """Run a server; gives the URL of its databases, without a name at the end."""
    found = sorted(PROGRAMS.glob("*/bin"), key=lambda one: int(one.parent.name))
    assert found, f"{PROGRAMS}: not there; apt-get install postgresql"
    folder = Path(tempfile.mkdtemp(prefix="edge-pg-"))
    if os.getuid() == 0:
        os.chown(folder, pwd.getpwnam(NOBODY).pw_uid, -1)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    data, log = folder / "data", folder / "log"
    try:
        _run(found[-1] / "initdb", "-D", data, "-A", "trust", "-U", "edge")
        options = f"-k {folder} -p {port} -c listen_addresses=127.0.0.1 -c fsync=off"
        _run(found[-1] / "pg_ctl", "-D", data, "-o", options, "-l", log, "-w", "start")
        try:
            yield f"postgresql+pg8000://edge@127.0.0.1:{port}"
        finally:
            _run(found[-1] / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder)


def new_database(server: str) -> str:
    """Return the URL of a new database."""
    name = f"t{uuid4().hex}"
    engine = create_engine(f"{server}/postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return f"{server}/{name}"


def _run(program: Path, *words: object) -> None:
    user = ["setpriv", f"--reuid={NOBODY}", "--clear-groups"] if os.getuid() == 0 else []
    command = [*user, str(program), *(str(word) for word in words)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=60, cwd="/")
