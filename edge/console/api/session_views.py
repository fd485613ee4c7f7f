"""What is said and taken about who is logged in, as JSON."""

from pydantic import Field

from edge.console.api.views import View, Words
from edge.console.people.people import Way
from edge.console.people.roles import Role
from edge.console.tokens import Scope

# Longer than any that is taken: what is too long is told in words.
_PASSWORD_MOST = 1000
_NAME_MOST = 130


class SessionView(View):
    """Who is logged in; `own_page` is what his page sends as `X-Edge-Page` with each act."""

    person: str
    name: str = Field(description="What people call him")
    role: Role
    scopes: list[Scope]
    groups: list[str] | None = Field(description="Whose devices he reaches; null for all")
    way: Way
    own_page: str


class ProviderView(View):
    """A provider of OpenID Connect."""

    name: str


class WaysView(View):
    """How one can log in; `first` while there is nobody."""

    password: bool
    oidc: ProviderView | None
    first: bool


class LoginBody(Words):
    """Name and password."""

    name: str = Field(max_length=_NAME_MOST)
    password: str = Field(max_length=_PASSWORD_MOST)


class WelcomeBody(Words):
    """A link, and the password that its person chooses; the first person chooses a name too."""

    secret: str = Field(max_length=128)
    name: str = Field("", max_length=_NAME_MOST)
    password: str = Field(max_length=_PASSWORD_MOST)
    shown_name: str | None = Field(None, max_length=_NAME_MOST)


class PasswordBody(Words):
    """The password that is, and the one that will be."""

    old: str = Field(max_length=_PASSWORD_MOST)
    new: str = Field(max_length=_PASSWORD_MOST)
