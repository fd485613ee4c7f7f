"""A serial port of this machine, or a remote one that pyserial opens by URL."""

import contextlib
import errno
import os
import select
from pathlib import Path
from typing import Final

import serial

from edge.errors import EdgeError, InputError, LinkError, RefusedError, ThingNotFoundError
from edge.flash.transports.holders import holders

WRITE_S: Final = 20.0
_READ_BYTES: Final = 1 << 16


class SerialPort:
    """An open serial port that nobody else has: raw bytes, 8 bits, no parity, no flow control.

    Args:
        path: `/dev/ttyUSB0`, or a URL like `rfc2217://HOST:PORT`.
        baud: Its rate.

    Raises:
        ThingNotFoundError: It is not there.
        RefusedError: Another program has it; it is named.
        EdgeError: We may not open it.
    """

    def __init__(self, path: str, baud: int) -> None:
        self._path = path
        self._is_local = "://" not in path
        if self._is_local:
            _require_free(path)
        try:
            self._serial = serial.serial_for_url(
                path, baud, timeout=0, write_timeout=WRITE_S, exclusive=self._is_local or None
            )
        except ValueError as error:
            raise InputError(f"{path}: {error}") from error
        except (serial.SerialException, OSError) as error:
            raise _refused(path, error) from error
        # USB adapters collect bytes for up to 16 ms unless they are told not to.
        with contextlib.suppress(OSError, ValueError, AttributeError, NotImplementedError):
            self._serial.set_low_latency_mode(True)

    def fileno(self) -> int:
        """Return what `select` takes."""
        return int(self._serial.fileno())

    def write(self, data: bytes) -> None:
        """Send all of it."""
        try:
            self._serial.write(data)
        except (serial.SerialException, OSError) as error:
            raise LinkError(f"{self._path}: {_reason(error)}") from error

    def read(self, timeout_s: float) -> bytes:
        """Return what came in, empty when nothing did in time."""
        try:
            return self._read_local(timeout_s) if self._is_local else self._read_url(timeout_s)
        except (serial.SerialException, OSError) as error:
            raise LinkError(f"{self._path}: {_reason(error)}") from error

    def set_baud(self, baud: int) -> None:
        """Change the rate, after all that was written has left."""
        try:
            self._serial.flush()
            self._serial.baudrate = baud
        except (ValueError, OSError) as error:
            raise InputError(f"{self._path}: no rate of {baud} baud: {error}") from error

    def close(self) -> None:
        """Give the port back."""
        with contextlib.suppress(OSError):
            self._serial.close()

    def _read_local(self, timeout_s: float) -> bytes:
        descriptor = self._serial.fileno()
        if not select.select([descriptor], [], [], timeout_s)[0]:
            return b""
        data = os.read(descriptor, _READ_BYTES)
        if not data:
            raise LinkError(f"{self._path}: the port is gone")
        return data

    def _read_url(self, timeout_s: float) -> bytes:
        self._serial.timeout = timeout_s
        first = bytes(self._serial.read(1))
        return first + bytes(self._serial.read(self._serial.in_waiting)) if first else b""


def _require_free(path: str) -> None:
    if not Path(path).exists():
        raise ThingNotFoundError(f"{path}: no such port", hint="run `edge serial` to see all")
    if others := holders(path):
        raise RefusedError(
            f"{path}: the port is in use by {', '.join(others)}", hint="end that program first"
        )


def _refused(path: str, error: OSError) -> EdgeError:
    number = error.errno
    if number in (errno.EACCES, errno.EPERM):
        return EdgeError(f"{path}: we may not open this port", hint="run `edge udev install`")
    if number in (errno.ENOENT, errno.ENXIO, errno.ENODEV):
        return ThingNotFoundError(f"{path}: no such port", hint="run `edge serial` to see all")
    if number in (errno.EBUSY, errno.EAGAIN) or "lock" in str(error):
        return RefusedError(f"{path}: the port is in use", hint="end the program that has it")
    return EdgeError(f"{path}: {_reason(error)}")


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
