"""What a person is shown before signing: all that the file says, and no tricks."""

from typing import Any

import pytest

from edge.keys import request, summary
from edge.keys.request import Request
from edge_signing import canonical
from edge_signing.errors import SigningError
from tests.fakes.forge import DATA, NOW, PATH, PRODUCT, Yard

ROLE = f"{PRODUCT}.json"


@pytest.fixture
def staged(tmp_path_factory: pytest.TempPathFactory) -> Request:
    yard = Yard(tmp_path_factory.mktemp("yard"))
    yard.release()
    yard.repository.stage(yard.ring, PRODUCT, {"gateway/2/x.json": (DATA, {"n": 2})}, now=NOW)
    return request.read(yard.repository.pending)


def _edited(staged: Request, place: str, edit: Any) -> Request:
    files = {"sign": dict(staged.sign), "current": dict(staged.current)}
    content = canonical.decode(files[place][ROLE])
    edit(content)
    files[place][ROLE] = canonical.encode(content)
    return Request(**files)


def _changes(staged: Request) -> str:
    return "\n".join(summary.of(request.pieces(staged)[0]).changes)


def test_only_what_is_new_is_shown_with_all_it_says(staged: Request) -> None:
    shown = _changes(staged)

    assert shown.startswith("+ gateway/2/x.json  13 B  sha256 ")
    assert shown.endswith('{"custom": {"n": 2}}')
    assert PATH not in shown


def test_what_was_before_does_not_count_unless_it_is_signed(staged: Request) -> None:
    """Somebody adds his release to what is in force, so that it does not show as new."""

    def edit(content: Any) -> None:
        targets = content["signed"]["targets"]
        targets["gateway/2/x.json"] = targets[PATH]

    forged = _edited(staged, "current", edit)

    assert summary.of(request.pieces(forged)[0]).previous_version is None
    assert "+ gateway/2/x.json" in _changes(forged)
    assert f"+ {PATH}" in _changes(forged)


def test_unknown_fields_are_shown_without_tricks(staged: Request) -> None:
    forged = _edited(
        staged, "sign", lambda content: content["signed"].update({"\x1b[2K": "\u202e\x1b"})
    )

    shown = _changes(forged)

    assert "\\u001b[2K" in shown
    assert shown.isascii()
    assert "\x1b" not in shown


@pytest.mark.parametrize("path", ["gateway/1/\x1b[2K", "camera/1/x.json", "x"])
def test_a_path_that_is_none_is_refused_before_it_is_shown(staged: Request, path: str) -> None:
    def edit(content: Any) -> None:
        targets = content["signed"]["targets"]
        targets[path] = targets.pop("gateway/2/x.json")

    with pytest.raises(SigningError):
        request.pieces(_edited(staged, "sign", edit))


def test_who_may_sign_for_what_is_shown(tmp_path_factory: pytest.TempPathFactory) -> None:
    yard = Yard(tmp_path_factory.mktemp("yard"))
    files = {"targets.json": (yard.folder / "keys" / "targets.json").read_bytes()}
    made = Request(files, {"1.root.json": yard.trusted_root})

    shown = _changes(made)

    assert '+ gateway: for ["gateway/*/*"]' in shown
    assert "+ gateway: 1 of 1 keys must sign" in shown
    assert "+ director: key " in shown
