"""The command `edge-agent`: joins the parts of the agent, and nothing else."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from edge_agent import run
from edge_agent.consent import ConsentWord
from edge_agent.device import Places
from edge_agent.errors import AgentError, BootStateError
from edge_agent.request import Word

PLACES = Places()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status."""
    chosen = _parser().parse_args(arguments)
    try:
        match chosen.command:
            case "run":
                return run.main()
            case "status":
                _print(_status(PLACES), as_json=chosen.json)
            case "inventory":
                _print(_inventory(PLACES), as_json=True)
            case "identity":
                _identity(PLACES, chosen)
            case "install":
                _ask(PLACES, "install", str(chosen.file.absolute()))
            case "auto-confirm" | "ask-again" as word:
                _settle(PLACES, word)
            case word:
                _ask(PLACES, word)
    except AgentError as error:
        sys.stderr.write(f"edge-agent: {error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="edge-agent", description="Update agent")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="keep the system healthy and up to date, and stay")
    install = commands.add_parser("install", help="install a bundle, and restart into it")
    install.add_argument("file", type=Path, metavar="FILE", help="the bundle (.edge)")
    status = commands.add_parser("status", help="slot, boot state, and what is under way")
    status.add_argument("--json", action="store_true", help="one JSON object")
    commands.add_parser("commit", help="make the slot that runs the first choice now")
    commands.add_parser("revert", help="go back to the system in the other slot")
    commands.add_parser("confirm", help="let an update that waits for its user restart the device")
    commands.add_parser("postpone", help="keep an update from restarting it until `confirm`")
    commands.add_parser("auto-confirm", help="agree to all updates to come: nobody is asked")
    commands.add_parser("ask-again", help="ask the user again, where an order wants it")
    commands.add_parser("inventory", help="what this device is, as one JSON object")
    _identity_parser(commands.add_parser("identity", help="get an identity at the factory"))
    return parser


def _identity_parser(parser: argparse.ArgumentParser) -> None:
    asked = parser.add_subparsers(dest="asked", required=True)
    new = asked.add_parser("new", help="make a key, and print a request for its certificate")
    new.add_argument("device", metavar="ID", help="the id of this device")
    put = asked.add_parser("put", help="take the certificate of that key: be that device")
    put.add_argument("chain", type=Path, metavar="CHAIN", help="its certificate and its signer's")
    put.add_argument("server_ca", type=Path, metavar="SERVER-CA", help="what servers are known by")
    put.add_argument("--epoch", type=int, default=1, help="of the enrolment (1)")
    prove = asked.add_parser("prove", help="sign a challenge: print the signature in hex")
    prove.add_argument("nonce", metavar="NONCE", help="64 hex digits")
    asked.add_parser("serve", help="let a station do these over this console, before any identity")


def _identity(places: Places, chosen: argparse.Namespace) -> None:
    """Do what the factory asks of a device that has no identity yet."""
    from edge_agent.factory import answers, own_key
    from edge_signing import proof
    from edge_signing.errors import FormatError

    def say(line: str) -> None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    try:
        match chosen.asked:
            case "new":
                say(own_key.begin(places.data, chosen.device).decode().rstrip())
            case "put":
                files = chosen.chain.read_bytes(), chosen.server_ca.read_bytes()
                say(own_key.finish(places.data, *files, chosen.epoch))
            case "prove":
                say(own_key.prove(places.data, proof.nonce_of(chosen.nonce)).hex())
            case _:
                answers.conversing(places.data, sys.stdin, say)
    except (FormatError, OSError) as error:
        raise AgentError(str(error)) from error


def _ask(places: Places, word: Word, path: str = "") -> None:
    """Ask the running agent; without one, do it here."""
    from edge_agent import service, status

    if not service.is_running(places):
        if word == "commit":
            places.control().commit()
            return
        ended = service.run_alone(places, service.request_of(word, path))
        sys.stdout.write(f"{ended.phase} {ended.reason}".rstrip() + "\n")
        return
    said = status.ask({"command": word, "path": path}, places.run)
    if "error" in said:
        raise AgentError(str(said["error"]))
    sys.stdout.write(f"{word}: taken up\n")


def _settle(places: Places, word: ConsentWord) -> None:
    """Tell the running agent whether users are asked; without one, store it here."""
    from edge_agent import service, status
    from edge_agent.consent import Consent
    from edge_agent.store import files_in

    if not service.is_running(places):
        Consent(files_in(places.data)).settle(word)
        return
    said = status.ask({"command": word}, places.run)
    if "error" in said:
        raise AgentError(str(said["error"]))


def _status(places: Places) -> dict[str, object]:
    from edge_agent import status
    from edge_agent.status import StatusError

    control = places.control()
    state = control.state()
    facts: dict[str, object] = {
        "slot": control.current(),
        "order": list(state.order),
        "tries_left": dict(state.left),
        "seq": state.seq,
    }
    try:
        facts["agent"] = status.ask({"command": "status"}, places.run)
    except StatusError as error:
        facts["agent"] = {"error": error.reason}
    return facts


def _inventory(places: Places) -> dict[str, object]:
    from edge_agent import libraries
    from edge_agent.in_place.running import versions

    control = places.control()
    try:
        order = list(control.state().order)
    except BootStateError:
        order = []
    return {
        "system": asdict(places.standing()),
        "services": versions(places.services()),
        "slot": control.current(),
        "order": order,
        "libraries": libraries.versions(),
    }


def _print(facts: Mapping[str, object], *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(facts) + "\n")
        return
    for name, value in facts.items():
        match value:
            case dict():
                for inner, one in value.items():
                    sys.stdout.write(f"{f'{name}.{inner}':20} {one}\n")
            case _:
                sys.stdout.write(f"{name:20} {value}\n")


if __name__ == "__main__":
    sys.exit(main())
