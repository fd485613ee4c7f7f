"""What people may do: a role is a set of scopes, and this is the only table of them."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from edge.console.tokens import Scope


class Role(StrEnum):
    """What somebody is; stored, so the names never change."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    APPROVER = "approver"
    ADMIN = "admin"


_SEE: Final = frozenset({Scope.DEVICES_READ, Scope.RELEASES_READ, Scope.METRICS_READ})
SCOPES: Final[Mapping[Role, frozenset[Scope]]] = MappingProxyType(
    {
        Role.VIEWER: _SEE,
        Role.OPERATOR: _SEE
        | {Scope.DEVICES_WRITE, Scope.DEVICES_REACH, Scope.RELEASES_WRITE}
        | {Scope.DEPLOY, Scope.CAMPAIGNS_WRITE, Scope.AUDIT_READ},
        # Who approves what others start does not start it himself.
        Role.APPROVER: _SEE | {Scope.CAMPAIGNS_APPROVE, Scope.AUDIT_READ},
        Role.ADMIN: frozenset(Scope),
    }
)
