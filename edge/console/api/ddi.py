"""Endpoints for devices that speak hawkBit's DDI: their tokens and files."""

import hashlib
import secrets
from typing import Final

from pydantic import Field

from edge.console import foreign
from edge.console.api.endpoint import Call, Endpoint
from edge.console.api.releases import received, with_files
from edge.console.api.views import ReleaseView, View, Words
from edge.console.ddi import credentials
from edge.console.foreign import File, Type
from edge.console.notices import Topic
from edge.console.tokens import Scope

# Beside SHA-256, for updaters that know no other.
_OLD: Final = ("sha1", "md5")


class DeviceTokenView(View):
    """The token that a device shows over DDI instead of a certificate, told only now."""

    device: str
    token: str


class GatewayTokenView(View):
    """The token that speaks for each device that has nothing of its own, told only now."""

    token: str


class FileQuery(Words):
    """What a file is that comes as the body; all of it but the type has to be said."""

    product: str = Field("", max_length=64)
    version: str = Field("", max_length=64)
    name: str = Field("", max_length=128)
    boards: str = Field("", max_length=1000, description="Separated by commas")
    type: Type = Type.FILE


async def make_token(call: Call) -> DeviceTokenView:
    """Give a device a token in place of the one that it had."""
    device = call.part("device")
    return DeviceTokenView(device=device, token=await call.office.make_token(call.actor, device))


async def remove_token(call: Call) -> None:
    """Make the token of a device useless."""
    await call.office.remove_token(call.actor, call.part("device"))


async def make_gateway_token(call: Call) -> GatewayTokenView:
    """Let a gateway speak for devices."""
    made = await call.office.act(
        call.actor,
        Topic.AUDIT,
        "",
        lambda one: credentials.make_gateway_token(one, call.actor, secrets.token_hex),
    )
    return GatewayTokenView(token=made)


async def remove_gateway_token(call: Call) -> None:
    """Let no gateway speak for devices."""
    await call.office.act(
        call.actor, Topic.AUDIT, "", lambda one: credentials.remove_gateway_token(one, call.actor)
    )


async def take_file(call: Call) -> ReleaseView:
    """Take a file that devices install by an updater of their own."""
    query = call.query_as(FileQuery)
    boards = tuple(sorted(set(query.boards.split(","))))
    foreign.check_names(query.product, query.version, query.name, boards)
    hashes = [hashlib.sha256(), *(hashlib.new(name, usedforsecurity=False) for name in _OLD)]

    def hear(piece: bytes) -> None:
        for one in hashes:
            one.update(piece)

    async with received(call, hear) as path:
        sha256, sha1, md5 = (one.hexdigest() for one in hashes)
        length_bytes = path.stat().st_size
        file = File(query.name, query.type, boards, sha256, sha1, md5, length_bytes)
        made = await call.office.take_file(call.actor, query.product, query.version, file, path)
    return (await with_files(call, [made]))[0]


_TOKEN: Final = "/devices/{device}/token"  # noqa: S105
_GATEWAY: Final = "/gateway-token"
ENDPOINTS = (
    Endpoint(
        "POST",
        _TOKEN,
        Scope.DEVICES_WRITE,
        "Give a device a token for DDI, in place of the one that it had",
        make_token,
        DeviceTokenView,
        tells_secret=True,
    ),
    Endpoint(
        "DELETE", _TOKEN, Scope.DEVICES_WRITE, "Make the token of a device useless", remove_token
    ),
    Endpoint(
        "POST",
        _GATEWAY,
        Scope.TOKENS_WRITE,
        "Let a gateway speak over DDI for devices that have nothing of their own to show",
        make_gateway_token,
        GatewayTokenView,
        tells_secret=True,
    ),
    Endpoint(
        "DELETE",
        _GATEWAY,
        Scope.TOKENS_WRITE,
        "Let no gateway speak for devices",
        remove_gateway_token,
    ),
    Endpoint(
        "POST",
        "/files",
        Scope.RELEASES_WRITE,
        "Upload a file that devices install by an updater of their own",
        take_file,
        ReleaseView,
        query=FileQuery,
        is_upload=True,
    ),
)
