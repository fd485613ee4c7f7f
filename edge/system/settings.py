"""How a container runs: the keys that service.yml and the items of system.yml share.

Source: docs/yaml.md of LinuxKit for the keys with its names; the others are ours. The defaults are
the least permission. `model_fields_set` tells what was written from what is a default.
"""

import re
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, WithJsonSchema

from edge.strict.formats import (
    AbsolutePath,
    Capability,
    ContainerName,
    Environment,
    Line,
    ModuleName,
    OptionalHostname,
    OptionalLine,
    OptionalPath,
    matching,
)
from edge.strict.model import StrictModel, wrong
from edge.strict.wording import shown
from edge.system.confinement import Landlock
from edge.system.mounting import ContainerMount, IdMapping, Runtime
from edge.system.resources import Device, Resources

_UID_AT_MOST = 2**32 - 2
_ROOT_WORDS = ("", "root")
# 1 to 65535, as people write it: editors have the same rule.
_PORT_NUMBER = (
    r"([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
)
_NAMESPACE_WORDS = ("host", "root", "new")
# Source: LinuxKit's docs/yaml.md, getrlimit(2).
_LIMITS = (
    *("as", "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile"),
    *("nproc", "rss", "rtprio", "rttime", "sigpending", "stack"),
)
_LIMIT_VALUE = r"\s*(unlimited|-1|[0-9]+)\s*"


class Restart(StrEnum):
    """When a service that ended is started again."""

    ALWAYS = "always"
    ON_FAILURE = "on-failure"
    NO = "no"


class Ready(StrEnum):
    """What makes a service ready, so that those who depend on it start."""

    STARTED = "started"
    FD = "fd"
    HEALTH = "health"


class Seccomp(StrEnum):
    """Which system calls a service may make."""

    DEFAULT = "default"
    UNCONFINED = "unconfined"


class OnFailure(StrEnum):
    """What follows when an onboot item fails."""

    REBOOT = "reboot"
    CONTINUE = "continue"


class Update(StrEnum):
    """How a service gets a new version."""

    IMAGE = "image"  # with the whole system
    IN_PLACE = "in-place"  # also alone, beside the one of the system


class Propagation(StrEnum):
    """How mounts made in the root file system spread."""

    SHARED = "shared"
    SLAVE = "slave"
    PRIVATE = "private"
    RSHARED = "rshared"
    RSLAVE = "rslave"
    RPRIVATE = "rprivate"
    UNBINDABLE = "unbindable"
    RUNBINDABLE = "runbindable"


def _user(value: object) -> int | str:
    if isinstance(value, int) and not isinstance(value, bool):
        if 0 <= value <= _UID_AT_MOST:
            return value
        raise wrong(f"{value} is not a user number", f"0 to {_UID_AT_MOST}")
    if isinstance(value, str):
        return value if value not in _ROOT_WORDS else 0
    raise wrong(f"{shown(value)} is not a user number or the name of a service")


def _namespace(text: str) -> str:
    if text in ("", *_NAMESPACE_WORDS) or text.startswith("/"):
        return text
    raise wrong(
        f"{shown(text)} is not a namespace",
        f"{', '.join(_NAMESPACE_WORDS)}, or the path of one to join",
    )


def _network(text: str) -> str:
    return text if text == "none" else _namespace(text)


def _bind(text: str) -> str:
    parts = text.split(":")
    if len(parts) not in (2, 3) or not parts[0] or not parts[1].startswith("/") or "\0" in text:
        raise wrong(
            f"{shown(text)} is not a bind", "source:/destination or source:/destination:options"
        )
    return text


def _port(text: str) -> str:
    protocol, _, number = text.partition("/")
    if protocol in ("tcp", "udp") and re.fullmatch(_PORT_NUMBER, number):
        return text
    raise wrong(f"{shown(text)} is not a port", "write it like 'tcp/443' or 'udp/51820'")


def _each_once(values: tuple[str, ...]) -> tuple[str, ...]:
    twice = next((value for index, value in enumerate(values) if value in values[:index]), None)
    if twice is not None:
        raise wrong(f"{twice!r} is listed twice")
    return values


def _word_alone(value: object) -> object:
    # What comes out of a validator of ours is Python to pydantic, and there a list is no tuple.
    if value in ("all", "none"):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


def _all_or_some(values: tuple[str, ...]) -> tuple[str, ...]:
    for word in ("all", "none"):
        if word in values and len(values) > 1:
            raise wrong(f"{word!r} stands beside other capabilities", "remove it, or the others")
    return tuple(dict.fromkeys(values))


def _limit(text: str) -> str:
    """Return a resource limit as `name,soft,hard`, whichever way LinuxKit takes it."""
    kind, _, values = text.partition(",")
    name = kind.strip().lower().removeprefix("rlimit_")
    if name not in _LIMITS:
        raise wrong(f"{shown(kind)} is not the name of a resource limit", f"one of {_LIMITS}")
    return ",".join([name, *(value.strip() for value in values.lower().split(","))])


User = Annotated[
    int | str,
    PlainValidator(_user),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string"}]}),
]
Namespace = Annotated[str, AfterValidator(_namespace)]
NetworkNamespace = Annotated[str, AfterValidator(_network)]
Bind = Annotated[str, AfterValidator(_bind)]
Tmpfs = Annotated[
    str, matching(r"/[^:]*(:[^:]+)?", "a tmpfs mount", "write it like '/run:size=1m,mode=755'")
]
Port = Annotated[
    str,
    AfterValidator(_port),
    WithJsonSchema({"type": "string", "pattern": f"^(tcp|udp)/{_PORT_NUMBER}$"}),
]
Limit = Annotated[
    str,
    matching(
        rf"[^,]+,{_LIMIT_VALUE}(,{_LIMIT_VALUE})?",
        "a resource limit",
        "write it like 'nofile,1024,4096' or 'memlock,unlimited'",
        ignore_case=True,
    ),
    AfterValidator(_limit),
]
Command = Annotated[tuple[str, ...], Field(min_length=1)]
Names = Annotated[tuple[ContainerName, ...], AfterValidator(_each_once)]
Listens = Annotated[tuple[Port, ...], AfterValidator(_each_once)]
Capabilities = Annotated[
    tuple[Capability, ...],
    BeforeValidator(_word_alone, json_schema_input_type=Literal["all", "none"] | tuple[str, ...]),
    AfterValidator(_all_or_some),
]
Modules = Annotated[tuple[ModuleName, ...], AfterValidator(_each_once)]


class Health(StrictModel):
    """A command that tells whether the service works; exit code 0 is well."""

    command: Command
    interval_s: int = Field(default=30, ge=1, le=86400)
    timeout_s: int = Field(default=10, ge=1, le=3600)
    retries: int = Field(default=3, ge=1, le=100)
    start_s: int = Field(default=60, ge=0, le=3600)


class Limits(StrictModel):
    """The most that a service may use."""

    memory_mib: int | None = Field(default=None, ge=1, le=1 << 20)
    pids: int | None = Field(default=None, ge=1, le=1 << 22)
    cpu_percent: int | None = Field(default=None, ge=1, le=100 * 256)


class Settings(StrictModel):
    """How a container runs.

    Empty text is as good as not written, as in LinuxKit: it changes nothing below it.
    """

    command: tuple[str, ...] | None = None
    env: tuple[Environment, ...] = ()
    cwd: OptionalPath | None = None
    uid: User | None = None
    gid: User | None = None
    additional_gids: tuple[User, ...] = Field(default=(), alias="additionalGids")
    capabilities: Capabilities = ()
    capabilities_add: Capabilities = Field(default=(), alias="capabilities.add")
    ambient: Capabilities = ()
    mounts: tuple[ContainerMount, ...] = ()
    binds: tuple[Bind, ...] = ()
    binds_add: tuple[Bind, ...] = Field(default=(), alias="binds.add")
    devices: tuple[Device, ...] = ()
    tmpfs: tuple[Tmpfs, ...] = ()
    net: NetworkNamespace = "new"
    pid: Namespace = "new"
    ipc: Namespace = "new"
    uts: Namespace = "new"
    userns: Namespace = "host"
    cgroupns: Namespace = "new"
    readonly: bool = True
    masked_paths: tuple[AbsolutePath, ...] | None = Field(default=None, alias="maskedPaths")
    readonly_paths: tuple[AbsolutePath, ...] | None = Field(default=None, alias="readonlyPaths")
    no_new_privileges: bool = Field(default=True, alias="noNewPrivileges")
    hostname: OptionalHostname | None = None
    oom_score_adj: int | None = Field(default=None, alias="oomScoreAdj", ge=-1000, le=1000)
    rootfs_propagation: Propagation | None = Field(default=None, alias="rootfsPropagation")
    cgroups_path: OptionalLine | None = Field(default=None, alias="cgroupsPath")
    resources: Resources | None = None
    sysctl: dict[str, Line] = Field(default_factory=dict)
    rlimits: tuple[Limit, ...] = ()
    uid_mappings: tuple[IdMapping, ...] = Field(default=(), alias="uidMappings")
    gid_mappings: tuple[IdMapping, ...] = Field(default=(), alias="gidMappings")
    annotations: dict[str, str] = Field(default_factory=dict)
    runtime: Runtime | None = None

    restart: Restart = Restart.ALWAYS
    depends_on: Names = ()
    after: Names = ()
    ready: Ready | None = None
    health: Health | None = None
    limits: Limits | None = None
    seccomp: Seccomp = Seccomp.DEFAULT
    landlock: Landlock | None = None
    stop_timeout_s: int = Field(default=10, ge=1, le=600)
    timeout_s: int = Field(default=120, ge=1, le=86400)
    on_failure: OnFailure = OnFailure.REBOOT
    before_data: bool = False
    modules: Modules = ()
    listens: Listens = ()
    update: Update = Update.IMAGE

    @property
    def waits_for(self) -> tuple[str, ...]:
        """The services that come first: those it needs, and those it only comes after."""
        return tuple(dict.fromkeys((*self.depends_on, *self.after)))

    @property
    def confined(self) -> Landlock | None:
        """What Landlock holds the container to, if anything."""
        return self.landlock if self.landlock is not None and self.landlock.enabled else None

    @property
    def readiness(self) -> Ready:
        """What makes the service ready: as written, else its health, else that it started."""
        return self.ready or (Ready.HEALTH if self.health else Ready.STARTED)
