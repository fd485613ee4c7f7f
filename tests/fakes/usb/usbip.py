"""Gadgets on the ports of `vhci_hcd`: the kernel takes them for devices that are plugged in.

The driver, in the machine of `rig.py`, is given one end of a connection, and speaks USB/IP over it.

Source: Linux, Documentation/usb/usbip_protocol.rst, drivers/usb/usbip/vhci_sysfs.c.
"""

import socket
import struct
import threading
import time
from contextlib import suppress

from tests.fakes.usb.gadget import CONFIGURATION, DEVICE, STRING, Gadget
from tests.fakes.usb.rig import Rig

SUBMIT, UNLINK, SUBMITTED, UNLINKED = 1, 2, 3, 4
PIPE, RESET = -32, -104
REENUMERATE_S = 0.4  # a board is gone for a while between its stages
_HEAD = struct.Struct(">5I")
_BODY = struct.Struct(">Iiiii8s")


class Plug:
    """A port of the driver, and the gadget in it.

    Args:
        rig: The machine.
        number: Of the port, from 0.
        pause_s: Waited before each transfer of data: a slow board.
    """

    def __init__(self, rig: Rig, number: int, *, pause_s: float = 0.0) -> None:
        self._rig = rig
        self._number = number
        self._pause_s = pause_s
        self._link: _Link | None = None
        self._lock = threading.Lock()
        self._is_over = False
        self.spoil_at: int | None = None  # the transfer at which it is pulled out
        self.transfers = 0

    def put(self, gadget: Gadget | None) -> None:
        """Plug a gadget in, in place of what is there."""
        with self._lock:
            if self._link:
                self._link.close()
                self._link = None
                self._rig.ask("detach", number=self._number)
            if gadget is not None and not self._is_over:
                gadget.plugged = self._later
                with socket.create_server(("127.0.0.1", 0)) as server:
                    port = server.getsockname()[1]
                    self._rig.ask("attach", number=self._number, port=port)
                    link, _address = server.accept()
                link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._link = _Link(link, gadget, self)

    def end(self) -> None:
        """Pull out what is there, and leave the port to others: nothing comes back later."""
        self._is_over = True
        self.put(None)

    def wait(self) -> None:
        """Wait until the kernel knows the gadget."""
        self._rig.ask("wait", number=self._number)

    def count(self) -> bool:
        """Count a transfer of data; False when the gadget is pulled out now."""
        self.transfers += 1
        if self._pause_s:
            time.sleep(self._pause_s)
        if self.transfers == self.spoil_at:
            self._later(None)
            return False
        return True

    def _later(self, gadget: Gadget | None) -> None:
        """Plug another one in, when the transfer that led to it is answered."""

        def soon() -> None:
            time.sleep(0.05)
            back_s = time.monotonic() + REENUMERATE_S
            with suppress(OSError):  # the machine is off by now
                self.put(None)
                time.sleep(max(back_s - time.monotonic(), 0))
                self.put(gadget)

        threading.Thread(target=soon, daemon=True).start()


class _Link:
    """Answers what the kernel submits, until it is closed."""

    def __init__(self, link: socket.socket, gadget: Gadget, plug: Plug) -> None:
        self._socket = link
        self._gadget = gadget
        self._plug = plug
        self._waiting: dict[int, tuple[int, int]] = {}
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _serve(self) -> None:
        with suppress(OSError, EOFError):
            while True:
                head = self._read(48)
                command, number, _device, is_input, endpoint = _HEAD.unpack_from(head)
                if command == SUBMIT:
                    self._submitted(number, bool(is_input), endpoint, head)
                elif command == UNLINK:
                    (which,) = struct.unpack_from(">I", head, 20)
                    status = RESET if self._waiting.pop(which, None) else 0
                    self._socket.sendall(struct.pack(">5Ii24x", UNLINKED, number, 0, 0, 0, status))
                self._give()

    def _submitted(self, number: int, is_input: bool, endpoint: int, head: bytes) -> None:
        _flags, length, _start, _packets, _interval, setup = _BODY.unpack_from(head, 20)
        data = self._read(length) if length and not is_input else b""
        if endpoint == 0:
            self._control(number, setup, data, is_input=is_input)
        elif is_input:
            self._waiting[number] = (endpoint, length)
        elif self._plug.count() and self._gadget.take(endpoint, data):
            self._answer(number, 0, b"", length)
        else:
            self._answer(number, PIPE, b"", 0)

    def _control(self, number: int, setup: bytes, data: bytes, *, is_input: bool) -> None:
        kind, request, value, index, length = struct.unpack("<BBHHH", setup)
        answer = self._standard(kind, request, value)
        if answer is None:
            answer = self._gadget.control(kind, request, value, index, data, length)
        if answer is None:
            self._answer(number, PIPE, b"", 0)
        elif is_input:
            self._answer(number, 0, answer[:length], len(answer[:length]))
        else:
            self._answer(number, 0, b"", len(data))

    def _standard(self, kind: int, request: int, value: int) -> bytes | None:
        """Answer what is of the bus itself; None for what is the gadget's."""
        if (kind, request) == (0x80, 6):
            made = {
                DEVICE: self._gadget.device_descriptor,
                CONFIGURATION: self._gadget.configuration,
            }
            what, index = value >> 8, value & 0xFF
            if what in made:
                return made[what]()
            return self._string(index) if what == STRING else None
        if (kind, request) == (0x80, 0):
            return bytes(2)
        # SET_ADDRESS, SET_CONFIGURATION, clear and set a feature.
        return b"" if kind in (0, 2) and request in (1, 3, 5, 9) else None

    def _string(self, index: int) -> bytes | None:
        if index == 0:
            return bytes([4, STRING, 9, 4])
        if index not in self._gadget.strings:
            return None
        text = self._gadget.strings[index].encode("utf-16-le")
        return bytes([2 + len(text), STRING]) + text

    def _give(self) -> None:
        for number, (endpoint, length) in list(self._waiting.items()):
            data = self._gadget.give(endpoint | 0x80)
            if data is not None:
                del self._waiting[number]
                if not self._plug.count():
                    return
                if len(data) > length:  # the rest goes into the next transfer
                    self._gadget.waiting[endpoint | 0x80].appendleft(data[length:])
                    data = data[:length]
                self._answer(number, 0, data, len(data))

    def _answer(self, number: int, status: int, data: bytes, length: int) -> None:
        head = struct.pack(">5I5i8x", SUBMITTED, number, 0, 0, 0, status, length, 0, 0, 0)
        self._socket.sendall(head + data)

    def _read(self, length: int) -> bytes:
        data = bytearray()
        while len(data) < length:
            piece = self._socket.recv(length - len(data))
            if not piece:
                raise EOFError
            data += piece
        return bytes(data)
