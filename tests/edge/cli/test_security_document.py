"""The drill of docs/security.md, run as it is written."""

import json
import re
import shlex
from pathlib import Path

import pytest

from edge.keys import ring
from edge_signing.trust import roots
from tests.edge.conftest import Edge
from tests.source_tree import PROJECT

DOCUMENT = (PROJECT / "docs" / "security.md").read_text()


def _steps() -> list[tuple[list[str], str]]:
    """Return the commands of the drill and what the document says that they print."""
    block = DOCUMENT.partition("## Drill")[2].partition("```console\n")[2].partition("```")[0]
    parts = re.split(r"^\$ edge ", block, flags=re.MULTILINE)[1:]
    return [(shlex.split(head), text) for head, _line, text in (p.partition("\n") for p in parts)]


def test_the_drill_ends_as_the_document_says(
    edge: Edge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = ""
    for words, text in _steps():
        ended = edge(*words)
        assert ended.status == 0, ended.err
        told = ended.out
        if text:
            assert ended.out == text

    keys = ring.read(Path("drill"))
    assert roots.follow(keys.trusted_root(), keys.chain()) == keys.chain()["2.root.json"]
    listed = {key["name"]: key["roles"] for key in json.loads(told)["keys"]}
    assert (listed["gateway-2"], listed["gateway-4"]) == ([], ["gateway"])
    given = keys.targets().signed.delegations
    assert given is not None
    assert keys.keys["gateway-2"].key.keyid not in given.keys


@pytest.mark.parametrize("role", ["root", "targets", "snapshot", "timestamp", "director"])
def test_the_document_says_of_each_role_what_a_thief_can_do(role: str) -> None:
    table = DOCUMENT.partition("## What a thief can do")[2].partition("## ")[0]

    assert f"`{role}`" in table
