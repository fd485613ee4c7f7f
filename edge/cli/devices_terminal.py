"""`edge devices terminal`: a shell on a device, by a grant that keys of support sign."""

import getpass
import secrets
import socket
from pathlib import Path
from typing import Any, Final

import click
from cryptography import x509

from edge.cli import ask, clock, console_options, terminal_record
from edge.cli.console_options import JSON
from edge.cli.options import PASSPHRASE
from edge.cli.output import Output
from edge.cli.table import table
from edge.cli.terminal_capture import captured
from edge.cli.terminal_window import LEAVE_NAME, Window, is_window
from edge.console.client import Client, part
from edge.console.devices.states import State
from edge.console.terminal.person import Person, Wanted, grant_of
from edge.console.terminal.remote import Remote
from edge.errors import EdgeError, InputError, RefusedError, ThingNotFoundError
from edge.keys.grant import sign
from edge.keys.signers import open_signer
from edge_signing.errors import FormatError
from edge_signing.terminal.frames import End
from edge_signing.terminal.grant import IDLE_MOST_S, LONGEST_MOST_S
from edge_signing.terminal.handshake import own_key

_HEAD: Final = ("session", "state", "who", "opened by", "seconds", "record", "ended")
_SECONDS: Final = click.IntRange(1, LONGEST_MOST_S)


@click.command("terminal")
@click.argument("device")
@click.option("--key", "uris", multiple=True, help="Of support: file:PATH, pkcs11:…; repeatable.")
@click.option("--command", "text", default="", help="Run this alone, without a terminal.")
@click.option("--reason", default="", help="Why; it is in the grant and in the audit log.")
@click.option("--who", default="", help="Who types; else user and host.")
@click.option(
    "--factory-ca",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Authority of the devices: do not rely on what the console says of this one.",
)
@click.option(
    "--idle",
    "idle_s",
    type=_SECONDS,
    default=600,
    show_default=True,
    help="It ends when nothing was typed for so long.",
)
@click.option(
    "--longest",
    "longest_s",
    type=_SECONDS,
    default=3600,
    show_default=True,
    help="It ends after so long in any case.",
)
@click.option(
    "--timeout", "timeout_s", type=click.IntRange(10, IDLE_MOST_S), default=360, show_default=True,
    help="How long to wait for the device; more than the poll_s of one that polls.",
)  # fmt: skip
@PASSPHRASE
@click.option("--list", "is_list", is_flag=True, help="The sessions of the device.")
@click.option("--replay", metavar="SESSION", help="Show the record of a session.")
@click.option("--end", "ended", metavar="SESSION", help="End a session that is under way.")
@click.option(
    "--cast", type=click.Path(path_type=Path), help="Write the record to a file (asciicast v2)."
)
@console_options.options
@JSON
@click.pass_obj
def terminal(
    output: Output,
    /,
    *,
    device: str,
    client: Client,
    as_json: bool,
    is_list: bool,
    replay: str | None,
    ended: str | None,
    cast: Path | None,
    **wanted: Any,
) -> None:
    r"""Open a shell on a device, or look at the record of one.

    Devices open none unless their image names keys of support and has the service `support`. A
    grant for this one session is signed here by such keys; the console only carries it, and what
    is typed and shown is sealed against it. The device records all, and the console keeps that.

    Ctrl-] ends a session.

    \b
    Examples:
      edge devices terminal device-7 --key file:support-1.pem --reason 'ticket 41'
      edge devices terminal device-7 --key file:support-1.pem --command 'uname -a'
      edge devices terminal device-7 --list
      edge devices terminal device-7 --replay 5e0c…
    """
    output.as_json |= as_json
    path = f"/devices/{part(device)}/terminals"
    if is_list:
        _list(output, client.get(path)["terminals"])
    elif replay is not None:
        terminal_record.show(output, client, f"{path}/{part(replay)}", cast)
    elif ended is not None:
        client.send("DELETE", f"{path}/{part(ended)}")
        output.result({"session": ended}, f"{device}: the session is ended")
    else:
        _open(output, client, device, **wanted)


def _list(output: Output, found: list[dict[str, Any]]) -> None:
    rows = [
        (
            one["session"],
            one["state"],
            one["who"],
            one["opened_by"],
            str(max(0, one["ended_at_s"] - one["answered_at_s"]) if one["answered_at_s"] else ""),
            "whole" if one["is_whole"] else "not whole" if one["chunks"] else "",
            one["ended"],
        )
        for one in found
    ]
    text = "\n".join(table(_HEAD, rows, right=(4,))) if rows else "no sessions"
    output.result({"terminals": found}, text)


def _open(
    output: Output,
    client: Client,
    device: str,
    *,
    uris: tuple[str, ...],
    text: str,
    factory_ca: Path | None,
    timeout_s: int,
    passphrase_file: Path | None,
    **limits: Any,
) -> None:
    if not text and (output.as_json or not is_window()):
        raise InputError("a shell needs a terminal", hint="--command runs one command without")
    known = _known(client, device)
    authority = _authority(factory_ca) if factory_ca else None
    person = _granted(known, uris, passphrase_file, text, limits)
    if authority is None:
        output.line(
            f"note: by {client.url} alone the certificate {known['certificate'][:16]}… is that of"
            f" {device}; --factory-ca checks it"
        )
    remote = Remote(client, person, authority)
    try:
        with output.task(f"asking {device}"):
            remote.open(timeout_s)
        session = person.signed.grant.session
        if text:
            _command(output, remote, device)
            return
        output.line(f"{device}: session {session}, all is recorded; {LEAVE_NAME} leaves")
        end = Window(remote).run_shell()
        output.line(f"\r{device}: {end.reason}")
        output.result({"device": device, "session": session, "reason": end.reason}, "")
    finally:
        remote.close()


def _command(output: Output, remote: Remote, device: str) -> None:
    session = remote.person.signed.grant.session
    if output.as_json:
        end, said = captured(remote)
        output.result({"device": device, "session": session, "status": end.status, **said}, "")
    else:
        end = Window(remote).run_command()
    _require_good(device, end)


def _require_good(device: str, end: End) -> None:
    """Refuse an end that is no good one.

    Raises:
        EdgeError: The command has failed, or was not done to its end.
    """
    if end.status != 0:
        raise EdgeError(f"{device}: {end.reason}")


def _known(client: Client, device: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/devices/{part(device)}")
    if found["state"] != State.ACCEPTED:
        raise RefusedError(f"{device}: it is {found['state']}")
    if not found["certificate"]:
        raise RefusedError(f"{device}: it has never called, or without a certificate of its own")
    return found


def _granted(
    known: dict[str, Any],
    uris: tuple[str, ...],
    passphrase_file: Path | None,
    text: str,
    limits: dict[str, Any],
) -> Person:
    """Return a person whose grant is signed."""
    secrets_ = ask.secrets_from(passphrase_file)
    signers = [open_signer(uri, secrets_) for uri in uris]
    mine = own_key(secrets.token_bytes(32))
    wanted = Wanted(
        device=known["device"],
        epoch=known["epoch"],
        certificate=bytes.fromhex(known["certificate"]),
        who=limits["who"] or f"{getpass.getuser()}@{socket.gethostname()}",
        reason=limits["reason"],
        command=text,
        idle_s=limits["idle_s"],
        longest_s=limits["longest_s"],
    )
    try:
        now_s = int(clock.of_wall().timestamp())
        grant = grant_of(wanted, secrets.token_hex(16), mine, now_s)
    except FormatError as error:
        raise InputError(str(error)) from error
    return Person(sign(grant, signers), mine)


def _authority(file: Path) -> x509.Certificate:
    if not file.is_file():
        raise ThingNotFoundError(f"{file}: no such file")
    try:
        return x509.load_pem_x509_certificate(file.read_bytes())
    except ValueError as error:
        raise InputError(f"{file}: no certificate in PEM") from error
