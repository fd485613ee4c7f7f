"""What a browser with the console's page sends: its cookie, its origin, the header of the page."""

from dataclasses import dataclass, field
from typing import Any

from edge.console.audit import Actor
from edge.console.people import credentials, people
from edge.console.people.door import COOKIE
from edge.console.people.passwords import Passwords
from edge.console.people.roles import Role
from tests.fakes.console import CHEAP, TENANT, Answered, Console

PASSWORD = "correct horse battery"


@dataclass
class Browser:
    """A browser at a console.

    Attributes:
        secret: Of its cookie; empty for none.
        own_page: What its page sends.
    """

    site: Console
    secret: str = ""
    own_page: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def ask(
        self, method: str, path: str, body: object = None, *, headers: dict[str, str] | None = None
    ) -> Answered:
        """Ask below `/api/v1` as the page does; headers that are empty are not sent."""
        words = {"Origin": self.site.api_url, "Sec-Fetch-Site": "same-origin"}
        words["Content-Type"] = "application/json"
        words["Cookie"] = f"{COOKIE}={self.secret}" if self.secret else ""
        words["X-Edge-Page"] = self.own_page
        words |= self.headers | (headers or {})
        sent = {name: value for name, value in words.items() if value}
        answer = self.site.ask(method, f"/api/v1{path}", body, token="", headers=sent)
        self.secret = answer.cookies.get(COOKIE, self.secret)
        if answer.status == 200 and isinstance(answer.body, dict) and "own_page" in answer.body:
            self.own_page = answer.body["own_page"]
        return answer

    def good(self, method: str, path: str, body: object = None) -> Any:
        """Ask, and return what is said when all is well."""
        answer = self.ask(method, path, body)
        assert answer.status < 300, answer
        return answer.body

    def log_in(self, name: str, password: str = PASSWORD) -> Answered:
        """Log in by password."""
        return self.ask("POST", "/session", {"name": name, "password": password})


def add(
    site: Console, name: str, role: Role = Role.ADMIN, *, groups: frozenset[str] | None = None
) -> None:
    """Add somebody with `PASSWORD`."""
    office = site.running.office
    actor = Actor(TENANT, "console", office.now_s())
    passwords = Passwords(CHEAP)
    hashed = site.wait(passwords.hashed(PASSWORD))
    passwords.close()
    office.database.write_now(lambda one: people.add(one, actor, name, role, groups=groups))
    office.database.write_now(lambda one: credentials.set_password(one, actor, name, hashed))


def inside(
    site: Console,
    name: str,
    role: Role = Role.ADMIN,
    *,
    groups: frozenset[str] | None = None,
) -> Browser:
    """Add somebody, and return his browser, in which he is logged in."""
    add(site, name, role, groups=groups)
    made = Browser(site)
    assert made.log_in(name).status == 200
    return made
