"""How MQTT is, for those who ask: the answers of the API, and who started the console."""

from edge.console.broker.broker import Broker
from edge.console.mqtt.link import MqttLink


class MqttState:
    """How MQTT is.

    Attributes:
        link: To the broker.
        port: Of the broker, for devices.

    Args:
        broker: The console's own; None for one that was given.
    """

    def __init__(self, link: MqttLink, port: int, broker: Broker | None = None) -> None:
        self.link, self.port = link, port
        self._broker = broker

    @property
    def is_there(self) -> bool:
        """Whether the broker is there, and its orders are the right ones."""
        return self.link.there.is_set()

    @property
    def starts(self) -> int:
        """How often the broker was started; 0 for one that was given."""
        return self._broker.starts if self._broker is not None else 0

    @property
    def pid(self) -> int:
        """The id of the broker's process; 0 for none, or for one that was given."""
        return self._broker.pid if self._broker is not None else 0

    @property
    def shut_out(self) -> int:
        """How many names the broker denies all."""
        return len(self._broker.shut_out_now) if self._broker is not None else 0
