"""What is sent to terminals through a broker: at once or not at all, never retained."""

import logging
from collections.abc import Callable, Sequence
from typing import Final

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edge.console.mqtt.client import properties
from edge.errors import LinkError
from edge_signing import topics
from edge_signing.terminal import parcels
from edge_signing.terminal.parcels import Parcel

_EXPIRY_S: Final = 60

logger = logging.getLogger(__name__)


class Carrying:
    """Brings parcels to devices.

    Args:
        publish: Gives a message to the broker, or raises `LinkError`.
    """

    def __init__(self, publish: Callable[[str, bytes, Properties], None]) -> None:
        self._publish = publish

    def carry(self, device: str, said: Sequence[Parcel]) -> bool:
        """Send parcels to the terminal of a device; return whether the broker has them."""
        expiry = properties(PacketTypes.PUBLISH, MessageExpiryInterval=_EXPIRY_S)
        try:
            if said:
                self._publish(topics.to_terminal(device), parcels.pack(said), expiry)
        except LinkError as error:
            logger.info("%s: %s", device, error)
            return False
        return True
