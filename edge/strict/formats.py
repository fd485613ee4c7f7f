"""The kinds of text that files hold: names, paths, modes, patterns; each checked once, here."""

import re
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Annotated, cast

from pydantic import AfterValidator, Field, ValidationInfo

from edge.strict.model import wrong
from edge.strict.text import suggestion
from edge.strict.wording import shown

_NAME = r"[a-z0-9][a-z0-9_-]{0,62}"
# What containerd takes for a container, so what LinuxKit can start (identifiers/validate.go there).
_CONTAINER = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}"
_PACKAGE = r"[a-z0-9][a-z0-9+.-]+"
_MODULE = r"[A-Za-z0-9][A-Za-z0-9_-]*"
_MODE = r"0*[0-7]{1,4}"
_ENVIRONMENT = r"[^=\0\n]+=[^\0]*"
_LINE = r"[ -~]+"
_LABEL = r"[A-Za-z0-9][A-Za-z0-9.-]{0,62}"
_CONTAINER_HOST = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,62}"

# Source: Linux 6.12, include/uapi/linux/capability.h
CAPABILITIES = (
    *("CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID"),
    *("SETPCAP", "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW"),
    *("IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT"),
    *("SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD"),
    *("LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG"),
    *("WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF", "CHECKPOINT_RESTORE"),
)


def matching(pattern: str, what: str, hint: str, *, ignore_case: bool = False) -> AfterValidator:
    """Return the check that a whole text matches; `what` completes "'x' is not ..."."""
    compiled = re.compile(pattern, re.DOTALL | (re.IGNORECASE if ignore_case else re.NOFLAG))

    def check(text: str) -> str:
        if not compiled.fullmatch(text):
            raise wrong(f"{shown(text)} is not {what}", hint)
        return text

    return AfterValidator(check)


def or_empty(check: AfterValidator) -> AfterValidator:
    """Return a check that lets empty text pass: LinuxKit reads it as not written."""
    func = cast("Callable[[str], str]", check.func)
    return AfterValidator(lambda text: func(text) if text else text)


def absolute_path(text: str) -> str:
    """Return the text if it is an absolute path without `..`; raise what pydantic tells else."""
    if not text.startswith("/") or "\0" in text or ".." in PurePosixPath(text).parts:
        raise wrong(f"{shown(text)} is not an absolute path", "begin with '/', without '..'")
    return text


def _inside(text: str) -> str:
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if not parts or ".." in parts or "\0" in text or "\n" in text:
        raise wrong(f"{shown(text)} is not a path inside the image", "write it like 'etc/hosts'")
    return "/".join(parts)


def file_mode(value: object, info: ValidationInfo) -> int:
    """Take octal digits as text from a file; a number only from code."""
    if isinstance(value, str) and re.fullmatch(_MODE, value):
        return int(value, 8)
    if info.mode == "python" and isinstance(value, int):
        return value
    hint = 'write octal digits in quotes, like "0644"'
    raise wrong(f"{shown(value)} is not a file mode", hint)


def _capability(text: str) -> str:
    name = text.removeprefix("CAP_")
    if name in CAPABILITIES:
        return f"CAP_{name}"
    if text.lower() in ("all", "none"):
        return text.lower()
    hint = suggestion(name, ("all", "none", *CAPABILITIES), what="capabilities")
    raise wrong(f"{shown(text)} is not a capability", hint)


Name = Annotated[
    str,
    matching(_NAME, "a name", "1 to 63 of a-z, 0-9, '-' and '_', not beginning with '-' or '_'"),
    Field(json_schema_extra={"pattern": f"^{_NAME}$"}),
]
ContainerName = Annotated[
    str,
    matching(_CONTAINER, "a name", "1 to 63 letters, digits, '_', '-', '.'; no '-' or '.' first"),
    Field(json_schema_extra={"pattern": f"^{_CONTAINER}$"}),
]
PackageName = Annotated[
    str,
    matching(_PACKAGE, "the name of a Debian package", "small letters, digits, '+', '-', '.'"),
    Field(json_schema_extra={"pattern": f"^{_PACKAGE}$"}),
]
ModuleName = Annotated[
    str,
    matching(_MODULE, "the name of a kernel module", "write it as modprobe takes it, without .ko"),
    Field(json_schema_extra={"pattern": f"^{_MODULE}$"}),
]
MODE_SCHEMA = {"type": "string", "pattern": f"^{_MODE}$"}
Environment = Annotated[
    str,
    matching(_ENVIRONMENT, "of the form NAME=value", "a name, '=', and the value"),
    Field(json_schema_extra={"pattern": f"^{_ENVIRONMENT}$"}),
]
_ONE_LINE = matching(_LINE, "one line of plain ASCII text", "remove line breaks and other letters")
Line = Annotated[str, _ONE_LINE, Field(max_length=2000)]
OptionalLine = Annotated[str, or_empty(_ONE_LINE), Field(max_length=2000)]
Hostname = Annotated[
    str,
    matching(_LABEL, "a host name", "1 to 63 of letters, digits, '-' and '.'"),
    Field(json_schema_extra={"pattern": f"^{_LABEL}$"}),
]
# That of a container, as LinuxKit takes it.
OptionalHostname = Annotated[
    str,
    or_empty(
        matching(_CONTAINER_HOST, "a host name", "1 to 63 of letters, digits, '-', '_' and '.'")
    ),
]
Text = Annotated[str, Field(min_length=1)]
AbsolutePath = Annotated[str, AfterValidator(absolute_path)]
OptionalPath = Annotated[str, or_empty(AfterValidator(absolute_path))]
OptionalText = Annotated[str | None, AfterValidator(lambda text: text or None)]
InnerPath = Annotated[str, AfterValidator(_inside)]
Capability = Annotated[str, AfterValidator(_capability)]
