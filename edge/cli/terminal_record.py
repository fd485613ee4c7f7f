"""Show the record of a terminal: whether it is the whole one, and what was to be seen."""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from edge import atomic
from edge.cli.escapes import Harmless
from edge.cli.output import Output
from edge.console.client import Client
from edge.errors import EdgeError, UntrustedError
from edge_signing.errors import SigningError
from edge_signing.terminal.grant import SignedGrant
from edge_signing.terminal.handshake import Answer, check_answer
from edge_signing.terminal.record import Closing

_PAUSE_MOST_S: Final = 2.0


def show(output: Output, client: Client, path: str, cast: Path | None) -> None:
    """Show a record, or write it to a file.

    Raises:
        UntrustedError: The device has signed another record than the console gives.
        EdgeError: There is none, or it can not be had.
    """
    found = client.get(path)
    said, chunks = _fetched(client, f"{path}/record")
    objection = checked(said, chunks)
    if objection:
        output.line(f"note: {objection}")
    lines = b"".join(chunks)
    if cast is not None:
        try:
            with atomic.file(cast) as stream:
                stream.write(lines)
        except OSError as error:
            raise EdgeError(f"{cast}: {error.strerror}") from error
        facts = {**found, "file": str(cast), "is_checked": not objection}
        output.result(facts, f"{cast}: {len(lines)} bytes")
        return
    if output.as_json:
        output.result({**found, "is_checked": not objection, "cast": lines.decode()}, "")
        return
    _play(lines, is_live=sys.stdout.isatty())


def checked(said: dict[str, Any], chunks: list[bytes]) -> str:
    """Return why a record may not be the whole one, empty if the device has signed it.

    Raises:
        UntrustedError: The device has signed another one.
    """
    if not said["answer"]:
        return "the device has never answered"
    if not said["closing"]:
        return "the session was cut: nothing says that this is all of it"
    try:
        packed = said["grant"].encode()
        answer = Answer.unpack(said["answer"].encode())
        digest = check_answer(SignedGrant.unpack(packed).grant, packed, answer)
        Closing.unpack(said["closing"].encode()).require(answer.certificate, digest, chunks)
    except SigningError as error:
        raise UntrustedError(str(error), hint="somebody has changed what is kept of it") from error
    return ""


def _fetched(client: Client, path: str) -> tuple[dict[str, Any], list[bytes]]:
    chunks: list[bytes] = []
    after = -1
    while True:
        said: dict[str, Any] = client.get(path, after=after)
        chunks += [one.encode() for one in said["chunks"]]
        if said["next"] is None:
            return said, chunks
        after = said["next"]


def _shown(lines: bytes) -> Iterator[tuple[float, str]]:
    """Yield what was to be seen, and when; lines that are none of a record are passed over."""
    for line in lines.splitlines():
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            continue
        match event:
            case [int() | float() as at_s, "o", str() as text]:
                yield float(at_s), text
            case _:
                continue


def _play(lines: bytes, *, is_live: bool) -> None:
    harmless, at_s = Harmless(), 0.0
    for shown_s, text in _shown(lines):
        if is_live:
            time.sleep(min(_PAUSE_MOST_S, max(0.0, shown_s - at_s)))
        at_s = shown_s
        sys.stdout.write(harmless.take(text))
        sys.stdout.flush()
    if is_live:
        sys.stdout.write("\x1b[0m\n")
