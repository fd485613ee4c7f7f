"""The newest root that a device trusts: that of its image, or a later one that it leads to.

The roots that came with bundles and from repositories are kept on the data partition, in one file
that is there whole, as it was or as it is. It is not trusted: whoever can write that partition
could put a root of his own there, so each time the chain is followed from the root of the image.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_agent.errors import AgentError, StoreError
from edge_agent.store import Files
from edge_signing import canonical
from edge_signing.errors import SigningError
from edge_signing.trust import roots

logger = logging.getLogger(__name__)

# python-tuf's names end in .json, and those of roles have no dot.
FILE: Final = "known.roots"
_LIMIT_BYTES: Final = 4 << 20


@dataclass(frozen=True, slots=True)
class KnownRoots:
    """The roots of a device.

    Attributes:
        image: File with the root metadata of the image.
        files: The folder in which later ones are kept.
    """

    image: Path
    files: Files

    def newest(self) -> bytes:
        """Return the newest root that is trusted.

        Raises:
            AgentError: The image has none.
        """
        return self._followed(self._stored())[0]

    def keep(self, found: Mapping[str, bytes]) -> None:
        """Keep roots that lead further than what is kept; never fewer, and nothing that does not.

        A power cut leaves what was kept before or what is kept now. That they can not be kept is no
        failure: who has them brings them again, and the floor of the device does not go back.

        Args:
            found: Roots by file name.

        Raises:
            AgentError: The image has none.
        """
        stored = self._stored()
        try:
            numbered = {int(name.partition(".")[0]): data for name, data in found.items()}
            _newest, led_to = self._followed({**stored, **numbered})
            if max(led_to) <= max(self._followed(stored)[1]):
                return
            content = [canonical.decode(data) for _number, data in sorted(led_to.items())]
            self.files.write_atomic(FILE, canonical.encode(content))
        except (StoreError, SigningError) as error:
            logger.warning("roots are not kept: %s", error)

    def _followed(self, numbered: Mapping[int, bytes]) -> tuple[bytes, dict[int, bytes]]:
        """Return the newest root that the image's leads to, and all roots up to it."""
        image = self._of_image()
        newest = roots.trusted(image, str(self.image)).signed
        led_to = {number: one for number, one in numbered.items() if number < newest.version}
        led_to[newest.version] = image
        while (data := numbered.get(newest.version + 1)) is not None:
            try:
                newest = roots.verify_next(newest, data).signed
            except SigningError as error:
                logger.warning("%s", error)
                break
            led_to[newest.version] = data
        return led_to[newest.version], led_to

    def _of_image(self) -> bytes:
        try:
            return self.image.read_bytes()
        except OSError as error:
            raise AgentError(
                f"{self.image}: {error.strerror}: this device trusts nobody"
            ) from error

    def _stored(self) -> dict[int, bytes]:
        """Return what is kept, unverified; nothing if it can not be read."""
        try:
            data = self.files.read(FILE)
            content = [] if data is None else canonical.decode(data, limit_bytes=_LIMIT_BYTES)
            return {int(one["signed"]["version"]): canonical.encode(one) for one in content}
        except (StoreError, SigningError, LookupError, TypeError, ValueError) as error:
            logger.warning("%s: %s", FILE, error)
            return {}
