"""How answers to commands get out: over MQTT while the broker is there, else by HTTP.

A connection of its own, for it works in another thread than updates do; it is opened when there is
something to say.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from edge_agent.link import LinkError
from edge_signing.commands import Command, Reply

if TYPE_CHECKING:  # a device that only polls does not load the other
    from edge_agent.links.http import HttpLink
    from edge_agent.links.mqtt import MqttLink


class ReachLink:
    """`edge_agent.reach.executor.Channel` over the links of a device.

    Args:
        http: For this alone; None where there is no way.
        mqtt: That of the agent, which hears commands; None where there is none.
    """

    def __init__(self, http: "HttpLink | None", mqtt: "MqttLink | None") -> None:
        self._http, self._mqtt = http, mqtt

    def commands(self) -> Sequence[Command]:
        """Return what is asked of this device, by HTTP; over MQTT it comes by itself."""
        return () if self._http is None else self._http.commands()

    def send_reply(self, reply: Reply) -> None:
        """Tell a part of an answer; see `HttpLink.send_reply`."""
        if self._mqtt is not None and self._mqtt.is_broker_there:
            self._mqtt.send_reply(reply)
        elif self._http is not None:
            self._http.send_reply(reply)
        else:
            raise LinkError("the broker is not there")

    def close(self) -> None:
        """Close the connection that is for this alone."""
        if self._http is not None:
            self._http.close()
