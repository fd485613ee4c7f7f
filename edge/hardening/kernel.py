"""What is known of a kernel before it runs: its version, configuration, command line, sysctls.

Source: Documentation/kbuild/kconfig.rst of Linux for `.config`, and its
admin-guide/kernel-parameters.rst: the last one of two equal parameters counts. Pure.
"""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from edge.errors import InputError

Version = tuple[int, int]

_SET = re.compile(r"CONFIG_([A-Za-z0-9_]+)=(.*)")
_UNSET = re.compile(r"# CONFIG_([A-Za-z0-9_]+) is not set")
_VERSION = re.compile(r"(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel and how it is started.

    Attributes:
        version: Its first two numbers.
        config: Its options, without `CONFIG_`; those that are not set are left out. None if
            nothing is known of them.
        parameters: The words of its command line; one without a value has an empty one.
        sysctls: What is written at the start, names with dots.
    """

    version: Version
    config: Mapping[str, str] | None
    parameters: Mapping[str, str]
    sysctls: Mapping[str, str]


def read_version(text: str) -> Version:
    """Return the first two numbers of a release like `6.12.38+deb13-arm64`.

    Raises:
        InputError: It does not begin with them.
    """
    found = _VERSION.match(text)
    if found is None:
        raise InputError(f"{text!r} is not the version of a kernel")
    return int(found[1]), int(found[2])


def read_config(text: str, name: str) -> dict[str, str]:
    """Return the options of a kernel configuration; values in quotes come without them.

    Raises:
        InputError: A line is neither an option nor a comment.
    """
    options: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if found := _SET.fullmatch(line):
            options[found[1]] = _unquoted(found[2])
        elif found := _UNSET.fullmatch(line):
            options.pop(found[1], None)
        elif line.strip() and not line.startswith("#"):
            raise InputError(f"{name}:{number}: {line[:40]!r} is no option of a kernel")
    return options


def read_parameters(command_line: str) -> dict[str, str]:
    """Return the parameters of a kernel command line; `-` and `_` in names are the same."""
    parameters = {}
    for word in shlex.split(command_line):
        name, _equals, value = word.partition("=")
        parameters[name.replace("-", "_")] = value
    return parameters


def read_sysctls(text: str) -> dict[str, str]:
    """Return the lines `path value` that init writes, names with dots."""
    pairs = (line.split(maxsplit=1) for line in text.splitlines() if line.strip())
    return {pair[0].replace("/", "."): pair[1].strip() for pair in pairs if len(pair) > 1}


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] == '"':
        return value[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return value
