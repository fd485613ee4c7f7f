"""What Landlock holds a container to: `landlock` of a service or an item."""

from typing import Annotated

from pydantic import Field

from edge.strict.formats import AbsolutePath
from edge.strict.model import StrictModel

Ports = Annotated[tuple[Annotated[int, Field(ge=0, le=65535)], ...], Field(max_length=1000)]
Paths = Annotated[tuple[AbsolutePath, ...], Field(max_length=1000)]


class Landlock(StrictModel):
    """Paths and TCP ports; those that are not named follow from the image and the mounts.

    Attributes:
        enabled: False for a system that takes it away from a service.
        read: What may be read; by default everything.
        write: What may be changed; by default what is mounted to be written.
        execute: What may be run; by default the programs of the image, and nothing that is mounted.
        tcp_bind: Ports that may be listened on; by default any.
        tcp_connect: Ports that may be connected to; by default any.
    """

    enabled: bool = True
    read: Paths | None = None
    write: Paths | None = None
    execute: Paths | None = None
    tcp_bind: Ports | None = None
    tcp_connect: Ports | None = None
