"""Draws the agent's states into docs/agent.md: `python -m tools.state_diagram`."""

from edge_agent.machine import TABLE, State
from tests.source_tree import PROJECT

DOCUMENT = PROJECT / "docs" / "agent.md"
BEGIN = "<!-- states: begin; tools/state_diagram.py draws this -->\n"
END = "<!-- states: end -->\n"


def diagram() -> str:
    """Return the table as a Mermaid diagram; events between the same states share an arrow."""
    arrows: dict[tuple[State, State], list[str]] = {}
    for (source, event), target in TABLE.items():
        arrows.setdefault((source, target), []).append(str(event))
    lines = [f'    state "{state}" as {_id(state)}' for state in State if "-" in state]
    lines += [
        f"    {_id(source)} --> {_id(target)} : {', '.join(events)}"
        for (source, target), events in arrows.items()
    ]
    return "\n".join(["```mermaid", "stateDiagram-v2", "    [*] --> idle", *lines, "```", ""])


def _id(state: State) -> str:
    """Return the name of a state as Mermaid takes one: without a hyphen."""
    return state.replace("-", "_")


def with_diagram(text: str) -> str:
    """Return a document with the diagram between its marks."""
    before, _begin, rest = text.partition(BEGIN)
    _old, _end, after = rest.partition(END)
    return f"{before}{BEGIN}\n{diagram()}\n{END}{after}"


if __name__ == "__main__":
    DOCUMENT.write_text(with_diagram(DOCUMENT.read_text()))
