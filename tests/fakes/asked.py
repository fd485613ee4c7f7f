"""A device of a console, and what it is asked by the API."""

from dataclasses import dataclass
from typing import Any

from edge_agent.links.http import HttpLink
from tests.fakes.console import Console, sql


@dataclass
class Asked:
    """A device of a console, and what it is asked.

    Attributes:
        other: Another device that is let in.
    """

    site: Console
    device: str
    other: str

    @property
    def path(self) -> str:
        return f"/devices/{self.device}/commands"

    @property
    def link(self) -> HttpLink:
        return self.site.link(self.device)

    def ask(self, word: str = "logs", **more: object) -> str:
        return str(self.site.good("POST", self.path, {"word": word, **more})["command"])

    def try_to_ask(self, word: str = "logs") -> int:
        return self.site.ask("POST", f"/api/v1{self.path}", {"word": word}).status

    def shown(self, command: str) -> dict[str, Any]:
        found: dict[str, Any] = self.site.good("GET", f"{self.path}/{command}")
        return found

    def state(self, command: str) -> str:
        return str(self.shown(command)["state"])

    def all(self) -> list[str]:
        return [one["command"] for one in self.site.good("GET", self.path)["commands"]]

    def change(self, values: str) -> None:
        where = f"WHERE device = '{self.device}'"
        sql(self.site.running.office.database, f"UPDATE commands SET {values} {where}")

    def expire(self) -> int:
        office = self.site.running.office
        return int(self.site.wait(office.expire_commands("default")))
