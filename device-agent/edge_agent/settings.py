"""What an image sets for its agent: `/etc/edge/agent.json`, in the verified root.

    {"http": "https://example.com/", "mqtt": "mqtts://example.com", "poll_s": 300,
     "health": {"stable_s": 30, "timeout_s": 300, "console": false},
     "window": {"from": "02:00", "to": "04:00"}, "utc_offset_min": 60,
     "confirm": true,
     "hooks": {"before-install": ["/etc/edge/hooks/room"],
               "before-restart": ["/etc/edge/hooks/battery"]},
     "reach": {"logs": true, "inventory": true, "restart": ["web"], "reboot": false,
               "without_logs": ["vault"]},
     "approvals": {"threshold": 2, "keys": [{"algorithm": "ed25519", "public": "d75a98…"}, …]}}

Each of them may be left out; one that is not known, or wrong, is an error.
"""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from edge_agent.errors import AgentError
from edge_agent.health import Terms
from edge_agent.hooks import MOMENTS, Moment
from edge_agent.parts import Options
from edge_agent.reach.policy import Policy
from edge_agent.window import DAY_MIN, Window
from edge_signing.approval import Approvers
from edge_signing.errors import FormatError
from edge_signing.fields import Fields
from edge_signing.hours import minute

FILE: Final = Path("/etc/edge/agent.json")
DAY_S: Final = 86_400
URL: Final = re.compile(r"[a-z]{4,5}://[!-~]{1,1000}")
_PROGRAM: Final = re.compile(r"(?:/[A-Za-z0-9_][A-Za-z0-9._+-]{0,100}){1,20}")


@dataclass(frozen=True, slots=True)
class Settings:
    """What an image sets.

    Attributes:
        http: URL of the server, empty for none.
        mqtt: URL of its broker, empty for none.
        options: For the agent itself.
        reach: What may be asked of the device.
    """

    http: str = ""
    mqtt: str = ""
    options: Options = field(default_factory=Options)
    reach: Policy = field(default_factory=Policy)

    @classmethod
    def unpack(cls, data: bytes) -> "Settings":
        """Return what the file says.

        Raises:
            FormatError: It is no JSON, or holds what is not known.
        """
        try:
            fields = Fields(json.loads(data), FILE.name)
        except ValueError as error:
            raise FormatError(f"{FILE.name}: not JSON: {error}") from error
        http, mqtt = (fields.text(name, URL) if fields.has(name) else "" for name in _LINKS)
        poll_s = fields.integer("poll_s", least=1, most=DAY_S) if fields.has("poll_s") else 300
        health = _health(fields.fields("health")) if fields.has("health") else Terms()
        offset_min = _offset_min(fields)
        window = _window(fields.fields("window"), offset_min) if fields.has("window") else None
        confirm = fields.one_of("confirm", (False, True)) if fields.has("confirm") else False
        hooks = _hooks(fields.fields("hooks")) if fields.has("hooks") else {}
        reach = Policy.read(fields.fields("reach")) if fields.has("reach") else Policy()
        approvers = Approvers.read(fields.fields("approvals")) if fields.has("approvals") else None
        fields.end()
        options = Options(
            poll_s,
            health,
            window,
            confirm,
            hooks,
            utc_offset_min=offset_min,
            approvers=approvers,
        )
        return cls(http, mqtt, options, reach)

    @classmethod
    def read(cls, file: Path = FILE) -> "Settings":
        """Return what the image sets; nothing if there is no such file.

        Raises:
            AgentError: It cannot be read or is wrong.
        """
        try:
            return cls.unpack(file.read_bytes())
        except FileNotFoundError:
            return cls()
        except OSError as error:
            raise AgentError(f"{file}: {error.strerror}") from error
        except FormatError as error:
            raise AgentError(str(error)) from error


_LINKS: Final = ("http", "mqtt")


def _health(fields: Fields) -> Terms:
    usual = Terms()

    def seconds(name: str, usual_s: float) -> float:
        return fields.integer(name, most=DAY_S) if fields.has(name) else usual_s

    terms = Terms(
        seconds("stable_s", usual.stable_s),
        seconds("timeout_s", usual.timeout_s),
        fields.one_of("console", (False, True)) if fields.has("console") else False,
    )
    fields.end()
    if terms.timeout_s <= terms.stable_s:
        raise FormatError(f"{FILE.name}: health: timeout_s is not above stable_s")
    return terms


def _offset_min(fields: Fields, usual_min: int = 0) -> int:
    if not fields.has("utc_offset_min"):
        return usual_min
    return fields.integer("utc_offset_min", least=-DAY_MIN, most=DAY_MIN)


def _window(fields: Fields, offset_min: int) -> Window:
    offset_min = _offset_min(fields, offset_min)
    begin, end = (minute(fields, name) for name in ("from", "to"))
    fields.end()
    return Window(begin, end, offset_min)


def _hooks(fields: Fields) -> dict[Moment, tuple[str, ...]]:
    hooks = {one: _programs(one, fields.anything(one)) for one in MOMENTS if fields.has(one)}
    fields.end()
    return hooks


def _programs(moment: Moment, value: object) -> tuple[str, ...]:
    """Return a list of programs, in the order in which they are asked."""
    programs = value if isinstance(value, list) else []
    if not programs:
        raise FormatError(f"{FILE.name}: hooks: {moment}: no list of programs")
    for program in programs:
        if not isinstance(program, str) or not _PROGRAM.fullmatch(program):
            raise FormatError(f"{FILE.name}: hooks: {moment}: {program!r} is no absolute path")
    return tuple(programs)
