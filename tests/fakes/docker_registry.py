"""Debian's docker-registry on loopback, in a folder of its own; with a login if asked."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from tests.fakes.ports import free_port

USER, PASSWORD = "tester", "open-sesame"
_HTPASSWD = f"{USER}:$2y$04$eUsn.8QKlrRI2BQuVCJJM.pWKRklEavp/gUOV1GHqabV/htYkywMS\n"
_START_S = 10.0


@contextmanager
def docker_registry(folder: Path, *, has_login: bool = False) -> Iterator[str]:
    """Run a registry; gives its host with the port."""
    program = shutil.which("docker-registry")
    assert program, "docker-registry is not there: apt-get install docker-registry"
    folder.mkdir(parents=True)
    host = f"127.0.0.1:{free_port()}"
    settings: dict[str, object] = {
        "version": "0.1",
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(folder / "blobs")}},
        "http": {"addr": host},
    }
    if has_login:
        (folder / "htpasswd").write_text(_HTPASSWD)
        settings["auth"] = {"htpasswd": {"realm": "edge", "path": str(folder / "htpasswd")}}
    (folder / "config.yml").write_text(json.dumps(settings))
    words = [program, "serve", str(folder / "config.yml")]
    with (folder / "log").open("wb") as log:
        child = subprocess.Popen(words, stdout=log, stderr=log)
        try:
            _wait(host, child, folder / "log")
            yield host
        finally:
            child.terminate()
            child.wait()


def _wait(host: str, child: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline_s = time.monotonic() + _START_S
    while time.monotonic() < deadline_s and child.poll() is None:
        try:
            with urlopen(f"http://{host}/v2/"):
                return
        except HTTPError as error:
            error.close()
            return
        except URLError:
            time.sleep(0.02)
    raise AssertionError(log.read_text(errors="replace"))
