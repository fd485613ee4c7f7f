"""Mounts, and what is made ready on the device before a container starts (`runtime:`).

Source: docs/yaml.md of LinuxKit; OCI runtime spec 1.2 (mounts, namespaces). Keys are spelled as
LinuxKit spells them, with its `uidmappings` of a mount beside the `uidMappings` of a container.
"""

from typing import Annotated

from pydantic import AfterValidator, Field

from edge.strict.formats import AbsolutePath, OptionalPath, Text, absolute_path, matching, or_empty
from edge.strict.model import StrictModel, wrong
from edge.strict.wording import shown

_NUMBERS = 2**32
# Source: Linux 6.12, net/core/dev.c (dev_valid_name): 15 letters, no blank, no '/', no ':'.
_INTERFACE = matching(
    r"(?!-)(?!\.{1,2}$)[!-.0-9;-~]{1,15}",
    "the name of an interface",
    "1 to 15 letters, no '/', no ':'",
)
_INTERFACE_KIND = matching(r"[A-Za-z0-9_]{1,16}", "a kind of interface", "like 'veth' or 'dummy'")
_KINDS_BY_SOURCE = ("mqueue", "devpts", "proc", "sysfs", "cgroup")
_PLACE_BY_KIND = {
    "proc": "/proc",
    "devpts": "/dev/pts",
    "sysfs": "/sys",
    "cgroup": "/sys/fs/cgroup",
    "mqueue": "/dev/mqueue",
}


class IdMapping(StrictModel):
    """A range of users of the container, and the users of the device that stand for them."""

    container_id: int = Field(alias="containerID", ge=0, lt=_NUMBERS)
    host_id: int = Field(alias="hostID", ge=0, lt=_NUMBERS)
    size: int = Field(ge=1, lt=_NUMBERS)


class Mount(StrictModel):
    """A file system mounted in the container."""

    destination: Text | None = None
    type: str | None = None
    source: str | None = None
    options: tuple[str, ...] = ()
    uidmappings: tuple[IdMapping, ...] = ()
    gidmappings: tuple[IdMapping, ...] = ()

    @property
    def kind(self) -> str | None:
        """The type: as written, else the one that the source or the destination tells."""
        if self.type:
            return self.type
        if self.source in _KINDS_BY_SOURCE:
            return self.source
        return "tmpfs" if self.destination == "/dev" else None

    @property
    def place(self) -> str | None:
        """The destination: as written, else the usual one of its type."""
        return self.destination or _PLACE_BY_KIND.get(self.kind or "")

    @property
    def source_is_path(self) -> bool:
        """Whether the source is a path, and no name of a volume."""
        return (self.source or "").startswith("/")


def complete_mount(mount: Mount) -> Mount:
    """Return a mount of a container, which needs a type and a place."""
    if mount.kind is None:
        raise wrong(f"a mount at {shown(mount.destination)} needs a `type`")
    if mount.place is None:
        raise wrong(f"a mount of type {shown(mount.kind)} needs a `destination`")
    absolute_path(mount.place)
    return mount


ContainerMount = Annotated[Mount, AfterValidator(complete_mount)]


class Interface(StrictModel):
    """A network interface given to the container.

    It is taken from the device by its name or, with `add`, made of that type (`veth` with a
    `peer`); with `create_in_root` made in the device's own network and then moved.
    """

    name: Annotated[str, _INTERFACE]
    add: Annotated[str, or_empty(_INTERFACE_KIND)] | None = None
    peer: Annotated[str, or_empty(_INTERFACE)] | None = None
    create_in_root: bool = Field(default=False, alias="createInRoot")


class BoundNamespaces(StrictModel):
    """Where the namespaces of a container are bound, for others to join."""

    cgroup: OptionalPath | None = None
    ipc: OptionalPath | None = None
    mnt: OptionalPath | None = None
    net: OptionalPath | None = None
    pid: OptionalPath | None = None
    user: OptionalPath | None = None
    uts: OptionalPath | None = None


class Runtime(StrictModel):
    """What is made ready on the device before the container starts."""

    mkdir: tuple[AbsolutePath, ...] = ()
    cgroups: tuple[Text, ...] = ()
    mounts: tuple[Mount, ...] = ()
    interfaces: tuple[Interface, ...] = ()
    bind_ns: BoundNamespaces | None = Field(default=None, alias="bindNS")
    namespace: str | None = None
