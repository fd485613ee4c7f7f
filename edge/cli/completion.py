"""What a shell offers where a word is wanted: boards, files, stations, devices of the console.

A word is known by the name of its parameter, for that means the same in all commands. A shell
waits while it is made: what can not be had soon, or at all, is not offered, and nobody is told.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import click
from click.shell_completion import CompletionItem

from edge.errors import EdgeError
from edge_signing.errors import SigningError

_CONSOLE_TIMEOUT_S: Final = 2.0
_TAIL_BYTES: Final = 4 << 20  # of a ledger: some 5000 devices, the newest
_DEVICE: Final = re.compile(rb'"device":"([A-Za-z0-9_-]{1,64})"')
Offer = Callable[[click.Context], Iterable[str]]


class Offered(click.types.StringParamType):
    """Text for which a shell is told what there is.

    Args:
        offer: Gives the words.
        beside: `file` or `dir` if it may be the path of one as well.
    """

    def __init__(self, offer: Offer, *, beside: str = "") -> None:
        self._offer = offer
        self._beside = beside

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return what begins with what was written."""
        _ = param
        try:
            found = list(dict.fromkeys(self._offer(ctx)))
        except (EdgeError, SigningError, OSError):
            found = []
        # Paths first: bash forgets what was offered before them.
        paths = [CompletionItem(incomplete, type=self._beside)] if self._beside else []
        return paths + [CompletionItem(one) for one in found if one.startswith(incomplete)]


def offer_words(command: click.Command) -> None:
    """Let the parameters of a command that take any text offer what there is."""
    for one in command.params:
        if type(one.type) is click.types.StringParamType and (offered := _offered(one)):
            one.type = offered


def _offered(param: click.Parameter) -> Offered | None:
    if isinstance(param, click.Argument):
        return _BY_METAVAR.get(param.metavar or "") or _ARGUMENTS.get(param.name or "")
    return _BY_METAVAR.get(param.metavar or "") or _OPTIONS.get(param.opts[-1])


def _nothing(_context: click.Context) -> Iterable[str]:
    return ()


def _boards(_context: click.Context) -> Iterable[str]:
    from edge.board.search import boards

    return sorted(boards())


def _formats(_context: click.Context) -> Iterable[str]:
    from edge.image.formats import Format

    return [str(one) for one in Format]


def _services(_context: click.Context) -> Iterable[str]:
    from edge.system.service import INIT, builtin_folders

    return sorted(builtin_folders().keys() - {INIT})


def _targets(context: click.Context) -> Iterable[str]:
    from edge.flash.disks import sysfs
    from edge.flash.transports import survey

    boards = ["usb", "fastboot", "dfu", "sdp"]
    if "image" not in _names(context):
        return boards
    disks = [one.path for one in sysfs.disks()]
    ports = [f"serial:{one.path}" for one in survey.found_ports()]
    return [*boards, "file:", *disks, *ports]


def _serial_ports(_context: click.Context) -> Iterable[str]:
    from edge.flash.transports import survey

    return [one.path for one in survey.found_ports()]


def _stations(context: click.Context) -> Iterable[str]:
    from edge.factory.line import station_names

    line = _line(context)
    return station_names(line) if line else ()


def _devices(context: click.Context) -> Iterable[str]:
    """Give the ids of a line's devices where a line is named, else of those of the console."""
    if "line" not in _names(context):
        yield from _of_console("/devices", "devices", "device")(context)
    elif line := _line(context):
        for ledger in sorted(line.glob("stations/*/ledger.jsonl")):
            with ledger.open("rb") as stream:
                stream.seek(max(0, ledger.stat().st_size - _TAIL_BYTES))
                for found in _DEVICE.findall(stream.read(_TAIL_BYTES)):
                    yield found.decode()


def _versions(context: click.Context) -> Iterable[str]:
    """Give the versions in the repository where a command has one, else those of the console."""
    if "folder" not in _names(context):
        yield from _of_console("/releases", "releases", "version")(context)
    else:
        from edge.release import catalogue
        from edge.repository.repository import Repository

        repository = Repository.open(Path(context.params.get("folder") or "repo"))
        yield from (one.release.version for one in catalogue.entries(repository))


def _roles(context: click.Context) -> Iterable[str]:
    from edge.keys import ring

    return sorted(ring.read(Path(context.params.get("folder") or "keys")).roles)


def _of_console(path: str, name: str, key: str) -> Offer:
    """Return what gives the ids of one kind of things, those of the first page."""

    def offer(context: click.Context) -> Iterable[str]:
        from edge.cli.console_options import address
        from edge.console.client import Client

        said: Mapping[str, Any] = context.params
        where = address(said.get("url"), said.get("token_file"), said.get("ca"))
        found = Client(where, timeout_s=_CONSOLE_TIMEOUT_S).get(path)
        return [str(one[key]) for one in found[name]]

    return offer


def _line(context: click.Context) -> Path | None:
    """Return the folder of the line; behind an option without its value click leaves it unread."""
    said = context.params.get("line") or next(iter(context.args), None)
    return Path(said) if said else None


def _names(context: click.Context) -> set[str | None]:
    return {one.name for one in context.command.params}


_FILE = Offered(_nothing, beside="file")
_GROUP = Offered(_of_console("/groups", "groups", "group"))
_DEVICE_IDS, _VERSIONS = Offered(_devices), Offered(_versions)
_BY_METAVAR: Final[Mapping[str, Offered]] = {
    "SYSTEM.yml...": _FILE,
    "NAME|PATH": Offered(_boards, beside="dir"),
    "FOLDER|NAME": Offered(_services, beside="dir"),
    "BUNDLE|VERSION": Offered(_nothing, beside="file"),
    "FORMAT[,FORMAT…]": Offered(_formats),
    "DEVICE": _DEVICE_IDS,
    "DEVICE...": _DEVICE_IDS,
    "VERSION": _VERSIONS,
    "TARGET": Offered(_targets),
    "BOARD": Offered(_boards),
    "FILE": _FILE,
}
_ARGUMENTS: Final[Mapping[str, Offered]] = {
    "campaign": Offered(_of_console("/campaigns", "campaigns", "campaign")),
    "device": _DEVICE_IDS,
    "devices": _DEVICE_IDS,
    "group": _GROUP,
    "hook": Offered(_of_console("/hooks", "hooks", "hook")),
    "image": _FILE,
    "key": Offered(_of_console("/enrolment-keys", "keys", "key")),
    "person": Offered(_of_console("/people", "people", "person")),
    "port": Offered(_serial_ports),
    "role": Offered(_roles),
    "version": _VERSIONS,
}
_OPTIONS: Final[Mapping[str, Offered]] = {
    "--board": Offered(_boards),
    "--device": _DEVICE_IDS,
    "--from": _VERSIONS,
    "--group": _GROUP,
    "--station": Offered(_stations),
}
