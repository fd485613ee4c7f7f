"""What an image lets somebody ask of its devices: the part `reach` of `agent.json`.

{"logs": true, "inventory": true, "restart": ["web", "worker"], "reboot": false,
 "without_logs": ["vault"], "terminal": {"keys": [{"algorithm": "ed25519", …}]}}
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from edge_signing.commands import SERVICE, WORDS, Command, Word
from edge_signing.errors import FormatError
from edge_signing.fields import Fields

if TYPE_CHECKING:  # an image without a terminal does not load it
    from edge_agent.terminal.terms import Terms

USUAL: Final[frozenset[Word]] = frozenset({"logs", "inventory", "restart"})


@dataclass(frozen=True, slots=True)
class Policy:
    """What may be asked.

    Attributes:
        words: That are done; all others are refused.
        restartable: The services that may be restarted; None for all that init lets the agent.
        without_logs: Services whose logs stay on the device.
        terminal: Who may open a terminal; None for nobody.
    """

    words: frozenset[Word] = USUAL
    restartable: frozenset[str] | None = None
    without_logs: frozenset[str] = frozenset()
    terminal: "Terms | None" = None

    @classmethod
    def read(cls, fields: Fields) -> "Policy":
        """Return what the part of the settings says.

        Raises:
            FormatError: It holds what is not known.
        """
        words, restartable = set(USUAL), None
        for word in WORDS:
            if not fields.has(word):
                continue
            said = fields.anything(word)
            if word == "restart" and isinstance(said, list):
                said, restartable = True, _services(word, said)
            if not isinstance(said, bool):
                raise FormatError(f"agent.json: reach: {word}: {said!r} is not known")
            (words.add if said else words.discard)(word)
        hidden = frozenset[str]()
        if fields.has("without_logs"):
            hidden = _services("without_logs", fields.anything("without_logs"))
        terminal = _terms(fields.fields("terminal")) if fields.has("terminal") else None
        fields.end()
        return cls(frozenset(words), restartable, hidden, terminal)

    def refusal(self, command: Command) -> str:
        """Return why a command is not done, empty if it may be."""
        if command.word not in self.words:
            return f"{command.word}: the settings of this system do not allow it"
        if command.word == "logs" and command.service in self.without_logs:
            return f"logs: those of {command.service} stay on the device"
        is_listed = self.restartable is None or command.service in self.restartable
        if command.word == "restart" and not is_listed:
            return f"restart: {command.service} is not one that may be"
        return ""


def _terms(fields: Fields) -> "Terms":
    from edge_agent.terminal.terms import Terms

    return Terms.read(fields)


def _services(place: str, value: object) -> frozenset[str]:
    names = value if isinstance(value, list) else [None]
    for name in names:
        if not isinstance(name, str) or not SERVICE.fullmatch(name):
            raise FormatError(f"agent.json: reach: {place}: {name!r} is no service")
    return frozenset(names)
