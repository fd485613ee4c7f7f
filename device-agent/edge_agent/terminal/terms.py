"""Who may open a terminal of the devices of an image: the part `reach.terminal` of `agent.json`.

{"keys": [{"algorithm": "ed25519", "format": 1, "name": "support-1", "public": "…",
           "role": "support"}],
 "threshold": 1, "command": ["/usr/bin/busybox", "sh", "-l"], "idle_s": 600, "longest_s": 3600}

The keys are the files that `edge keys new --role support` writes.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_agent.errors import AgentError
from edge_signing.errors import FormatError
from edge_signing.fields import Fields
from edge_signing.terminal import keys
from edge_signing.terminal.grant import IDLE_MOST_S, LONGEST_MOST_S
from edge_signing.terminal.keys import KEYS_MOST, SupportKeys

SHELL: Final = ("/usr/bin/busybox", "sh", "-l")
IDLE_S: Final = 600
LONGEST_S: Final = 3600
_PROGRAM: Final = re.compile(r"(?:/[A-Za-z0-9_][A-Za-z0-9._+-]{0,100}){1,20}")
_WORDS_MOST: Final = 20


@dataclass(frozen=True, slots=True)
class Terms:
    """What an image allows.

    Attributes:
        keys: Whose signatures count.
        command: The shell; with `-c` and a text behind it for one command.
        idle_s: The longest that nothing may be typed.
        longest_s: The longest that a session may be.
    """

    keys: SupportKeys
    command: tuple[str, ...] = SHELL
    idle_s: int = IDLE_S
    longest_s: int = LONGEST_S

    @classmethod
    def read(cls, fields: Fields) -> "Terms":
        """Return what the part of the settings says.

        Raises:
            FormatError: It holds what is not known.
        """
        named = fields.anything("keys")
        if not isinstance(named, list):
            raise FormatError("agent.json: reach: terminal: keys is not a list")
        threshold = 1
        if fields.has("threshold"):
            threshold = fields.integer("threshold", least=1, most=KEYS_MOST)
        command = _command(fields.anything("command")) if fields.has("command") else SHELL
        idle_s = _seconds(fields, "idle_s", IDLE_S, IDLE_MOST_S)
        longest_s = _seconds(fields, "longest_s", LONGEST_S, LONGEST_MOST_S)
        fields.end()
        found = keys.read(named, threshold, "agent.json: reach: terminal: keys")
        return cls(found, command, idle_s, longest_s)

    @classmethod
    def of_file(cls, file: Path) -> "Terms | None":
        """Return what the settings of an image say of terminals, and nothing else of them.

        Raises:
            AgentError: They can not be read.
        """
        try:
            said = json.loads(file.read_bytes())
            reach = Fields(said, file.name).anything("reach") if "reach" in said else {}
            if not isinstance(reach, dict) or "terminal" not in reach:
                return None
            return cls.read(Fields(reach["terminal"], f"{file.name}: reach: terminal"))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise AgentError(f"{file}: {error.strerror}") from error
        except (FormatError, ValueError, TypeError) as error:
            raise AgentError(f"{file}: {error}") from error


def _seconds(fields: Fields, name: str, usual_s: int, most_s: int) -> int:
    return fields.integer(name, least=1, most=most_s) if fields.has(name) else usual_s


def _command(value: object) -> tuple[str, ...]:
    words = value if isinstance(value, list) and len(value) <= _WORDS_MOST else []
    if not words or not all(isinstance(one, str) and "\0" not in one for one in words):
        raise FormatError("agent.json: reach: terminal: command is no list of words")
    if not _PROGRAM.fullmatch(words[0]):
        raise FormatError(f"agent.json: reach: terminal: {words[0]!r} is no absolute path")
    return tuple(words)
