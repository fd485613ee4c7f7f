"""What a dialog is run over: bytes out, bytes in, a rate."""

from typing import Protocol


class Port(Protocol):
    """An open port; whoever opened it closes it."""

    def write(self, data: bytes) -> None:
        """Send all of it.

        Raises:
            LinkError: The port is gone, or takes nothing any more.
        """

    def read(self, timeout_s: float) -> bytes:
        """Return what came in, at least one byte; empty when nothing came in time.

        Raises:
            LinkError: The port is gone.
        """

    def set_baud(self, baud: int) -> None:
        """Change the rate, after all that was written has left; no effect where there is none.

        Raises:
            InputError: The port has no such rate.
        """

    def fileno(self) -> int:
        """Return what `select` takes.

        Raises:
            OSError: There is no such thing for this port.
        """

    def close(self) -> None:
        """Give the port back."""
