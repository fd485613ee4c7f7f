"""Inside of the machine of `rig.py`: plugs boards in, and runs commands, as it is told.

Each thing to do is a connection. A command is run in a process of its own, in which the project is
loaded already; what plugs in is a thread of another one, as it has to be quick.
"""

import contextlib
import importlib
import io
import json
import os
import socket
import socketserver
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from edge.cli.main import main as edge
from edge.flash.methods import rpiboot

VHCI = Path("/sys/devices/platform/vhci_hcd.0")
DEVICES = Path("/sys/bus/usb/devices")
HOST = "10.0.2.2"
PLUG_PORT, RUN_PORT = 7000, 7001
HIGH_SPEED = 3
FREE = "004"  # a port without a device
WITHIN_S = 60
LOADED = (
    "edge.board.search", "edge.cli.flash", "edge.cli.flash_list", "edge.cli.flash_write",
    "edge.cli.rpi", "edge.cli.udev", "edge.flash.methods.dfu", "edge.flash.methods.fastboot",
    "edge.flash.methods.rpiboot", "edge.flash.methods.sdp", "edge.flash.transports.fastboot_usb",
    "importlib.resources", "libusb_package", "usb.backend.libusb1", "usb.core", "usb.util",
)  # fmt: skip


def attach(number: int, port: int) -> None:
    """Give the kernel the cable to a board, as the device at a port of its."""
    with socket.create_connection((HOST, port), WITHIN_S) as link:
        link.settimeout(None)  # the kernel has it from now on
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        words = f"{number} {link.fileno()} {number + 1} {HIGH_SPEED}"
        (VHCI / "attach").write_text(words)


def detach(number: int) -> None:
    """Pull the device out of a port, and wait until it is free."""
    with contextlib.suppress(OSError):
        (VHCI / "detach").write_text(str(number))
    gone = DEVICES / f"{bus()}-{number + 1}"
    _wait(lambda: _state(number) == FREE and not gone.exists())  # its disk is gone then, too


def wait(number: int) -> None:
    """Wait until the kernel has configured the device at a port."""
    place = DEVICES / f"{bus()}-{number + 1}" / "bConfigurationValue"
    _wait(lambda: place.read_text().strip() == "1")


def bus() -> str:
    """Return the number of the bus that the ports are on."""
    hubs = sorted(VHCI.glob("usb[0-9]*"))
    (fast,) = (hub for hub in hubs if (hub / "speed").read_text().strip() == "480")
    return fast.name.removeprefix("usb")


def disk(number: int) -> str:
    """Wait for the disk that the device at a port is, and return its path."""
    place = DEVICES / f"{bus()}-{number + 1}"
    pattern = "*/host*/target*/*/block/*"
    _wait(lambda: bool(list(place.glob(pattern))))
    return f"/dev/{next(place.glob(pattern)).name}"


def run(argv: list[str], folder: str, environment: dict[str, str]) -> dict[str, object]:
    """Run a command; `edge` in this process."""
    os.chdir(folder)
    os.environ.update(environment)
    started_s = time.monotonic()
    status, said = _edge(argv[1:]) if argv[0] == "edge" else _other(argv)
    return {"status": status, "said": said, "time_s": time.monotonic() - started_s}


DOES: dict[str, Callable[..., object]] = {
    one.__name__: one for one in (attach, detach, wait, bus, disk, run)
}


class _Asked(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        asked = json.loads(self.rfile.readline())
        answer = DOES[asked.pop("do")](**asked)
        self.wfile.write(json.dumps(answer).encode())


class _Plugs(socketserver.ThreadingTCPServer):
    request_queue_size = 32
    daemon_threads = True


class _Runs(socketserver.ForkingTCPServer):
    request_queue_size = 32


def _edge(words: list[str]) -> tuple[int, str]:
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        status = edge(words)
    return status, said.getvalue()


def _other(argv: list[str]) -> tuple[int, str]:
    done = subprocess.run(
        argv, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120
    )
    return done.returncode, done.stdout.decode(errors="replace")


def _state(number: int) -> str:
    lines = (line.split() for line in (VHCI / "status").read_text().splitlines()[1:])
    return next(words[2] for words in lines if words[0] == "hs" and int(words[1]) == number)


def _wait(is_so: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + WITHIN_S
    while True:
        with contextlib.suppress(OSError):
            if is_so():
                return
        if time.monotonic() >= deadline_s:
            raise TimeoutError
        time.sleep(0.02)


def main() -> None:
    """Do what is asked for until the machine goes off."""
    for name in LOADED:
        importlib.import_module(name)
    setattr(rpiboot, "DISK_S", 10.0)  # noqa: B010 - these boards are disks soon, or never
    plugs, runs = _Plugs(("", PLUG_PORT), _Asked), _Runs(("", RUN_PORT), _Asked)
    if os.fork():
        print("rig: ready", flush=True)
        runs.serve_forever()
    else:
        plugs.serve_forever()


if __name__ == "__main__":
    main()
