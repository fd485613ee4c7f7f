"""Whose defaults hold where a system file says nothing."""

from enum import StrEnum


class Defaults(StrEnum):
    """Edge's, which are the least permission, or those of LinuxKit."""

    EDGE = "edge"
    LINUXKIT = "linuxkit"
