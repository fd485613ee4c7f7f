"""The reference server of the agent: HTTPS, a Mosquitto, and what joins them, as one program.

    python -m tests.fakes.update_server --repo R --state S --pki P --port 8443 --mqtt-port 8883

prints one line when it is ready, and runs until SIGTERM. An offer is a file that is put (by rename)
to `S/desired/<device>.json`: `edge_signing.messages.Desired.pack()`; see `tests/fakes/fleet.py` for
the rest of the folder. `P` is made when it is missing, and `--device ID` makes a device in it:
`P/devices/<ID>/` is what goes to `/var/lib/edge/identity`.
"""

import argparse
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.fakes.fleet import Fleet
from tests.fakes.http_side import HttpSide, serving
from tests.fakes.mosquitto import Broker
from tests.fakes.mqtt_side import MqttSide
from tests.fakes.pki import Pki


@dataclass(frozen=True)
class UpdateServer:
    """All parts of a server that runs."""

    fleet: Fleet
    http: HttpSide
    broker: Broker | None
    mqtt: MqttSide | None


@contextmanager
def running(
    *,
    repository: Path,
    state: Path,
    pki: Pki,
    port: int = 0,
    mqtt_port: int | None = None,
    host: str = "127.0.0.1",
) -> Iterator[UpdateServer]:
    """Run a server, with a broker if it gets a port (0: a free one)."""
    fleet = Fleet(state)
    with serving(HttpSide(fleet, repository, pki, port=port, host=host)) as http:
        if mqtt_port is None:
            yield UpdateServer(fleet, http, None, None)
            return
        with Broker(state / "broker", pki, port=mqtt_port, host=host) as broker:
            mqtt = MqttSide(fleet, repository, pki, broker.port)
            mqtt.start()
            try:
                yield UpdateServer(fleet, http, broker, mqtt)
            finally:
                mqtt.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repo", type=Path, required=True, help="folder of the repository")
    parser.add_argument("--state", type=Path, required=True, help="orders, events, states")
    parser.add_argument("--pki", type=Path, required=True, help="certificates; made when missing")
    parser.add_argument("--port", type=int, default=0, help="of HTTPS; 0 for a free one")
    parser.add_argument("--mqtt-port", type=int, help="of MQTT; no broker without")
    parser.add_argument("--bind", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--host", action="append", help="name in the server's certificate")
    parser.add_argument("--device", action="append", default=[], help="make this device")
    chosen = parser.parse_args()
    hosts = ("127.0.0.1", "localhost", *(chosen.host or []))
    pki = Pki.make(chosen.pki.resolve(), hosts=hosts)
    for name in chosen.device:
        pki.device(name)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_words: stop.set())
    with running(
        repository=chosen.repo,
        state=chosen.state.resolve(),
        pki=pki,
        port=chosen.port,
        mqtt_port=chosen.mqtt_port,
        host=chosen.bind,
    ) as server:
        broker = f" mqtt={server.broker.port}" if server.broker else ""
        print(f"ready https={server.http.server_address[1]}{broker}", flush=True)
        stop.wait()


if __name__ == "__main__":
    main()
