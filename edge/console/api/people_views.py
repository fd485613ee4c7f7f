"""What is said and taken about people, as JSON."""

from pydantic import Field

from edge.console.api.views import View, Words
from edge.console.people.people import Way
from edge.console.people.roles import Role
from edge.console.tokens import Scope

_NAME_MOST = 130
_GROUPS_MOST = 200


class PersonView(View):
    """Somebody who can log in."""

    person: str
    shown_name: str
    role: Role
    scopes: list[Scope]
    groups: list[str] | None = Field(description="Whose devices he reaches; null for all")
    is_disabled: bool
    way: Way = Field(description="How he logs in, and in no other way")
    is_ready: bool = Field(description="He has set a password, or the provider has named him")
    created_at_s: int
    logged_in_at_s: int = Field(description="0: never")


class PeopleView(View):
    """The people in the order of their names."""

    people: list[PersonView]


class PersonBody(Words):
    """Somebody who is to be let in."""

    person: str = Field(max_length=_NAME_MOST)
    role: Role
    groups: list[str] | None = Field(
        None, max_length=_GROUPS_MOST, description="With members; null for all devices"
    )
    shown_name: str = Field("", max_length=_NAME_MOST)
    way: Way = Field(Way.PASSWORD, description="Who logs in otherwise gets no link")


class PersonChangeBody(Words):
    """What is to be different about somebody; what is not named stays."""

    role: Role = Role.VIEWER
    groups: list[str] | None = Field(None, max_length=_GROUPS_MOST)
    shown_name: str = Field("", max_length=_NAME_MOST)
    way: Way = Field(Way.PASSWORD, description="A change takes the password away, or the name")
    is_disabled: bool = False


class InvitedView(View):
    """Somebody with the link by which he sets his password, once; it is told only now."""

    person: PersonView
    link: str = Field(description="Below the address of the console; empty for none")
    expires_at_s: int


class PersonSessionView(View):
    """A browser in which somebody is logged in."""

    session: str
    way: str
    address: str
    browser: str
    created_at_s: int
    seen_at_s: int


class PersonSessionsView(View):
    """The sessions of somebody, newest first."""

    sessions: list[PersonSessionView]
