"""A real Mosquitto as a child, set up as DESIGN.md §7 says: who one is, is in the certificate."""

import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Final

from edge import process, toolbox
from tests.fakes.pki import CONSOLE, Pki
from tests.fakes.ports import free_port

_CONFIG: Final = """\
per_listener_settings false
listener {port} {host}
cafile {pki}/factory-ca.crt
certfile {pki}/server.crt
keyfile {pki}/server.key
crlfile {pki}/factory-ca.crl
tls_version tlsv1.2
require_certificate true
use_identity_as_username true
use_username_as_clientid true
allow_anonymous false
acl_file {folder}/acl
user root
max_inflight_messages 20
max_queued_messages 100
max_packet_size 262144
max_keepalive 600
persistent_client_expiration 1h
persistence {persistence}
persistence_location {folder}/
log_dest file {folder}/log
log_type error
log_type warning
log_type notice
"""
_ACL: Final = f"""\
user {CONSOLE}
topic readwrite edge/v1/#

pattern read edge/v1/d/%u/c/#
pattern write edge/v1/d/%u/s/#
pattern read edge/v1/all/c/#
"""
_START_S: Final = 10.0
_STOP_S: Final = 5.0


class Broker:
    """Mosquitto on one port of loopback; may be stopped and started again.

    Args:
        folder: For its configuration, log and, when it keeps them, retained messages.
        port: 0 for a free one.
        is_persistent: Keep retained messages and sessions over a restart.
    """

    def __init__(
        self,
        folder: Path,
        pki: Pki,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        is_persistent: bool = False,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = port or free_port()
        self._host = host
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        (folder / "acl").write_text(_ACL)
        (folder / "acl").chmod(0o600)
        (folder / "mosquitto.conf").write_text(
            _CONFIG.format(
                port=self.port,
                host=host,
                pki=pki.folder,
                folder=folder,
                persistence=str(is_persistent).lower(),
            )
        )

    @property
    def url(self) -> str:
        return f"mqtts://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return (self._folder / "log").read_text(errors="replace")

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        words = [*toolbox.tool("mosquitto"), "-c", str(self._folder / "mosquitto.conf")]
        with (self._folder / "output").open("ab") as output:
            self._process = subprocess.Popen(words, stdout=output, stderr=output)
        end = time.monotonic() + _START_S
        while time.monotonic() < end:
            with socket.socket() as probe:
                if probe.connect_ex((self._host, self.port)) == 0:
                    return
            if self._process.poll() is not None:
                break
            time.sleep(0.02)
        self.stop()
        files = (self._folder / "output", self._folder / "log")
        said = "".join(one.read_text(errors="replace") for one in files if one.exists())
        raise AssertionError(process.ending(words, 1, said))

    def stop(self, *, is_killed: bool = False) -> None:
        """End it, and with it all connections."""
        child, self._process = self._process, None
        if child is None:
            return
        child.send_signal(signal.SIGKILL if is_killed else signal.SIGTERM)
        try:
            child.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    def reload(self) -> None:
        """Let it read the list of revoked certificates again."""
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)

    def __enter__(self) -> "Broker":
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()
