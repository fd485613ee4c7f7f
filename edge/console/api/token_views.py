"""What the API says and takes about tokens, as JSON."""

from pydantic import Field

from edge.console.api.views import View, Words
from edge.console.tokens import Scope


class TokenBody(Words):
    """A token to make; it allows no more than the one that makes it."""

    name: str
    scopes: list[Scope] = Field(min_length=1, max_length=len(Scope))
    expires_in_s: int = Field(0, ge=0, le=10 * 366 * 86400, description="0: never")


class TokenView(View):
    """A token, without its secret."""

    token: str
    name: str
    scopes: list[Scope]
    created_at_s: int
    expires_at_s: int
    revoked_at_s: int
    made_by: str = Field(description="As the audit log names actors")


class NewTokenView(TokenView):
    """A token with its text, which is told only now."""

    text: str


class TokensView(View):
    """The tokens of the tenant."""

    tokens: list[TokenView]
