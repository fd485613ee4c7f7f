"""Options of all commands that fetch what images are made of."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from edge.image.inputs import LockPolicy
from edge.oci.registry.endpoint import Registries, registries


def with_registries(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options to a command, which gets them as one argument, `registries`."""

    @click.option(
        "--registry-mirror",
        "mirrors",
        multiple=True,
        metavar="PREFIX=HOST[/PATH]",
        envvar="EDGE_REGISTRY_MIRROR",
        help="Ask this server first for images below PREFIX, such as docker.io; can be repeated.",
    )
    @click.option(
        "--insecure-registry",
        "insecure",
        multiple=True,
        metavar="HOST[:PORT]",
        envvar="EDGE_INSECURE_REGISTRY",
        help="Speak plain HTTP to this server; can be repeated.",
    )
    @wraps(command)
    def with_them(
        *arguments: Any, mirrors: tuple[str, ...], insecure: tuple[str, ...], **options: Any
    ) -> None:
        command(*arguments, registries=registries(mirrors, insecure), **options)

    return with_them


def with_policy(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options on what may be fetched, and from where, as one argument, `policy`."""

    @click.option("--locked", is_flag=True, help="Refuse to change edge.lock.")
    @click.option("--offline", is_flag=True, help="Use only what the content store has.")
    @click.option("--mirror", help="Debian mirror (URI) instead of the host's own.")
    @with_registries
    @wraps(command)
    def with_it(
        *arguments: Any,
        locked: bool,
        offline: bool,
        mirror: str | None,
        registries: Registries,
        **options: Any,
    ) -> None:
        policy = LockPolicy(locked, offline, setting=mirror, registries=registries)
        command(*arguments, policy=policy, **options)

    return with_it
