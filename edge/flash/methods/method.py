"""What every method can do with a target: one protocol, so that jobs know no method."""

from typing import Protocol

from edge.flash.events import Listener, Report
from edge.flash.sources.source import Source


class Method(Protocol):
    """One target, and the way to it. A method checks for itself that its target may be written."""

    @property
    def target(self) -> str:
        """What to call the target: `/dev/sdb`, `serial:/dev/ttyUSB0`, `file:card.img`."""

    def flash(self, source: Source, listener: Listener) -> Report:
        """Write the image, read it back and compare, unless that was left out.

        A target that was half written before goes on where it was. After an error or an interrupt
        the target holds no valid partition table, and the same call goes on.

        Raises:
            RefusedError: The target may not be written.
            ThingNotFoundError: It is not there.
            LinkError: It went away, or stopped answering.
            UntrustedError: The image is not what was signed.
            EdgeError: It does not keep what was written: the blocks are named.
        """

    def verify(self, source: Source, listener: Listener) -> Report:
        """Read back and compare; nothing is written.

        Raises:
            UntrustedError: The target holds something else: the first places are named.
        """
