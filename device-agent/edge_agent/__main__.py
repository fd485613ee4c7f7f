"""The command `edge-agent`: joins the parts of the agent, and nothing else."""

import argparse
import json
import sys
from collections.abc import Sequence

from edge_agent import libraries, run, trial
from edge_agent.boot.control import BootControl
from edge_agent.errors import AgentError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status."""
    parser = argparse.ArgumentParser(prog="edge-agent", description="Update agent")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="wait until the system is healthy, commit its slot, stay")
    status = commands.add_parser("status", help="slot, boot state and library versions")
    status.add_argument("--json", action="store_true", help="one JSON object")
    commands.add_parser("commit", help="make the slot that runs the first choice now")
    chosen = parser.parse_args(arguments)
    try:
        match chosen.command:
            case "run":
                return run.main()
            case "commit":
                trial.device_control().commit()
            case _:
                _print_status(trial.device_control(), as_json=chosen.json)
    except AgentError as error:
        sys.stderr.write(f"edge-agent: {error}\n")
        return 1
    return 0


def _print_status(control: BootControl, *, as_json: bool) -> None:
    state = control.state()
    facts = {
        "slot": control.current(),
        "order": list(state.order),
        "tries_left": dict(state.left),
        "seq": state.seq,
        "libraries": libraries.versions(),
    }
    if as_json:
        sys.stdout.write(json.dumps(facts) + "\n")
        return
    for name, value in facts.items():
        sys.stdout.write(f"{name:12} {value}\n")


if __name__ == "__main__":
    sys.exit(main())
