"""Key rings: made, rotated here and elsewhere, renewed, surveyed."""

import json
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import InputError, RefusedError, ThingNotFoundError, UntrustedError
from edge.keys import change, create, file_key, request, ring
from edge.keys.public import Algorithm, PublicPart
from edge.keys.request import Request
from edge.keys.ring import PENDING_FILE, Ring
from edge.keys.secrets import nobody
from edge.keys.survey import Reach, survey
from edge.keys.uri import FileUri
from edge_signing import canonical
from edge_signing.errors import SigningError, TrustError
from tests.fakes.forge import NOW


@pytest.fixture
def demo(tmp_path: Path) -> Ring:
    return create.init(tmp_path / "keys", now=NOW).ring


@pytest.fixture
def production(tmp_path: Path) -> Ring:
    return create.init(tmp_path / "keys", now=NOW, production=True).ring


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_a_demo_has_one_key_a_role(tmp_path: Path, algorithm: Algorithm) -> None:
    outcome = create.init(tmp_path / "keys", now=NOW, algorithm=algorithm)

    assert not outcome.missing
    roles = outcome.ring.roles
    assert list(roles) == ["root", "targets", "release", "snapshot", "timestamp", "director"]
    assert all((len(role.keys), role.threshold) == (1, 1) for role in roles.values())
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    assert outcome.ring.root().signed.expires == NOW + timedelta(days=365)


def test_production_has_the_thresholds_of_the_design(tmp_path: Path) -> None:
    made = create.init(tmp_path / "k", now=NOW, production=True, products=["a", "b"]).ring

    assert {name: (role.threshold, len(role.keys)) for name, role in made.roles.items()} == {
        "root": (3, 5),
        "targets": (2, 3),
        "a": (2, 3),
        "b": (2, 3),
        "snapshot": (1, 1),
        "timestamp": (1, 1),
        "director": (1, 1),
    }


def test_a_ring_is_read_as_it_was_written(production: Ring) -> None:
    assert ring.read(production.folder) == production


@pytest.mark.parametrize("product", ["", "a/b", "root", "director", "release", "x" * 65])
def test_a_product_that_can_not_be_a_role_is_refused(tmp_path: Path, product: str) -> None:
    with pytest.raises((SigningError, InputError)):
        create.init(tmp_path / "keys", now=NOW, products=[product])
    assert not (tmp_path / "keys").exists()


def test_keys_are_never_written_over(demo: Ring) -> None:
    with pytest.raises(RefusedError, match="not empty"):
        create.init(demo.folder, now=NOW)


@pytest.mark.parametrize(
    "edit",
    [
        lambda content: content.update(format=2),
        lambda content: content.update(more=1),
        lambda content: content["roles"].pop("root"),
        lambda content: content["roles"]["root"].update(threshold=0),
        lambda content: content["roles"]["root"].update(threshold=2),
        lambda content: content["roles"]["root"].update(keys=["nobody"]),
        lambda content: content["keys"]["root"].update(public="00"),
        lambda content: content["keys"]["root"].update(algorithm="rsa"),
        lambda content: content.update(products=["a"]),
    ],
)
def test_a_wrong_ring_is_refused(demo: Ring, edit: object) -> None:
    file = demo.folder / "keys.json"
    content = json.loads(file.read_text())
    edit(content)  # type: ignore[operator]
    file.write_text(json.dumps(content))

    with pytest.raises(InputError):
        ring.read(demo.folder)


def test_one_key_twice_in_a_role_is_refused(production: Ring) -> None:
    again = {**production.keys, "root-2": production.keys["root-1"]}

    with pytest.raises(InputError, match="two of its keys are one"):
        ring.check(replace(production, keys=again), "here")


def _elsewhere(folder: Path, name: str) -> PublicPart:
    key = file_key.make(folder / f"{name}.pem", Algorithm.ED25519)
    return PublicPart(name, "root", key)


def test_root_keys_that_are_elsewhere_sign_copies_of_a_request(tmp_path: Path) -> None:
    parts = [_elsewhere(tmp_path / f"machine-{n}", f"root-{n}") for n in range(1, 6)]
    outcome = create.init(tmp_path / "keys", now=NOW, production=True, imports=parts)
    assert outcome.missing == (("1.root.json", 3),)
    pending = outcome.ring.folder / PENDING_FILE
    assert not (outcome.ring.folder / "1.root.json").exists()
    with pytest.raises(ThingNotFoundError, match=r"1\.root\.json: not there yet"):
        outcome.ring.root()

    copies = []
    for number in (1, 3, 5):
        machine = tmp_path / f"machine-{number}"
        copy = machine / PENDING_FILE
        copy.write_bytes(pending.read_bytes())
        signer = file_key.load(_file(machine / f"root-{number}.pem"), nobody)
        signed, made = request.sign(request.read(copy), [signer])
        assert [name for name, _key in made] == ["1.root.json"]
        request.write(signed, copy)
        copies.append(copy)
        if number < 5:
            left = change.complete(outcome.ring, copies).missing
            assert left == (("1.root.json", 3 - len(copies)),)
    done = change.complete(outcome.ring, copies)

    assert not done.missing
    assert done.ring.root().signed.version == 1
    assert not pending.exists()


def _file(path: Path) -> FileUri:
    return FileUri(path)


def test_a_copy_of_another_request_is_refused(tmp_path: Path) -> None:
    parts = [_elsewhere(tmp_path / "machine", f"root-{n}") for n in range(1, 4)]
    outcome = create.init(tmp_path / "keys", now=NOW, production=True, imports=parts)
    pending = request.read(outcome.ring.folder / PENDING_FILE)
    name = "1.root.json"
    forged = canonical.decode(pending.sign[name])
    forged["signed"]["expires"] = "2099-01-01T00:00:00Z"
    other = Request({**pending.sign, name: canonical.encode(forged)}, pending.current)
    request.write(other, tmp_path / "forged.json")

    with pytest.raises(UntrustedError, match="not a copy of this one"):
        change.complete(outcome.ring, [tmp_path / "forged.json"])


def test_a_wrong_signature_in_a_copy_is_refused(tmp_path: Path) -> None:
    parts = [_elsewhere(tmp_path / "machine", f"root-{n}") for n in range(1, 4)]
    outcome = create.init(tmp_path / "keys", now=NOW, production=True, imports=parts)
    pending = request.read(outcome.ring.folder / PENDING_FILE)
    files = [_file(tmp_path / "machine" / f"root-{n}.pem") for n in (1, 2, 3)]
    signed, _made = request.sign(pending, [file_key.load(file, nobody) for file in files])
    spoilt = canonical.decode(signed.sign["1.root.json"])
    spoilt["signatures"][0]["sig"] = "00" * 64
    copy = Request({**signed.sign, "1.root.json": canonical.encode(spoilt)}, signed.current)
    request.write(copy, tmp_path / "copy.json")

    with pytest.raises(UntrustedError, match="a copy holds a wrong signature"):
        change.complete(outcome.ring, [tmp_path / "copy.json"])


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"format":1,"type":"edge signing request"}'])
def test_what_is_no_request_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "request.json").write_bytes(data)

    with pytest.raises(InputError):
        request.read(tmp_path)


@given(st.binary(max_size=200))
def test_no_bytes_make_a_request_fall(data: bytes) -> None:
    with pytest.raises(InputError):
        request.from_bytes(data, "here")


def test_only_the_compromised_key_is_replaced(production: Ring) -> None:
    outcome = change.rotate(production, "release", now=NOW, compromised="release-2")

    assert outcome.added == ("release-4",)
    assert outcome.ring.roles["release"].keys == ("release-1", "release-3", "release-4")
    assert outcome.resign == ("release",)
    given_roles = outcome.ring.targets().signed.delegations
    assert given_roles is not None
    assert outcome.ring.keys["release-2"].key.keyid not in given_roles.keys


def test_what_is_not_there_can_not_be_rotated(demo: Ring) -> None:
    with pytest.raises(ThingNotFoundError, match="no role is called 'nothing'"):
        change.rotate(demo, "nothing", now=NOW)
    with pytest.raises(ThingNotFoundError, match="root has no key 'targets'"):
        change.rotate(demo, "root", now=NOW, compromised="targets")


def test_a_rotation_may_be_repeated_after_a_power_cut(
    production: Ring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ring says already what is wanted, and nothing was signed."""

    def cut(*_words: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(request, "write", cut)
        with pytest.raises(KeyboardInterrupt):
            change.rotate(production, "targets", now=NOW)
    cut_short = ring.read(production.folder)
    assert cut_short.root().signed.version == 1

    outcome = change.propose(cut_short, now=NOW)

    assert not outcome.missing
    assert outcome.ring.root().signed.version == 2
    assert outcome.ring.targets().signed.version == 2


def test_a_rotation_of_root_elsewhere_waits_for_both_thresholds(tmp_path: Path) -> None:
    old = [_elsewhere(tmp_path / "old", f"root-{n}") for n in range(1, 4)]
    ring_ = create.init(tmp_path / "keys", now=NOW, production=True, imports=old).ring
    pending = ring_.folder / PENDING_FILE

    def sign(folder: str, *names: str) -> tuple[tuple[str, int], ...]:
        signers = [file_key.load(_file(tmp_path / folder / f"{n}.pem"), nobody) for n in names]
        request.write(request.sign(request.read(pending), signers)[0], pending)
        return change.complete(ring.read(ring_.folder)).missing

    assert not sign("old", "root-1", "root-2", "root-3")
    new = [_elsewhere(tmp_path / "new", f"root-{n}") for n in range(6, 9)]
    outcome = change.rotate(ring.read(ring_.folder), "root", now=NOW, imports=new)
    assert outcome.missing == (("2.root.json", 3),)

    assert sign("new", "root-6", "root-7", "root-8") == (("2.root.json", 3),)
    assert sign("old", "root-1", "root-2") == (("2.root.json", 1),)
    assert not sign("old", "root-3")
    assert ring.read(ring_.folder).root().signed.version == 2


def test_more_keys_than_are_replaced_are_refused(demo: Ring, tmp_path: Path) -> None:
    parts = [_elsewhere(tmp_path, name) for name in ("x", "y")]

    with pytest.raises(InputError, match="2 new keys are given, and 1 are replaced"):
        change.rotate(demo, "root", now=NOW, imports=parts)
    with pytest.raises(InputError, match="was made for root, not for targets"):
        change.rotate(demo, "targets", now=NOW, imports=parts[:1])


def test_a_forged_root_in_the_ring_is_noticed(demo: Ring, tmp_path: Path) -> None:
    other = create.init(tmp_path / "other", now=NOW).ring
    change.rotate(other, "root", now=NOW)
    (demo.folder / "2.root.json").write_bytes(other.chain()["2.root.json"])

    with pytest.raises(TrustError):
        demo.root()


def test_the_ring_of_a_developer_is_made_once_and_renewed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))

    first = create.development_ring(NOW)
    second = create.development_ring(NOW + timedelta(days=300))
    third = create.development_ring(NOW + timedelta(days=340))

    assert first.folder == tmp_path / "edge" / "development-keys"
    assert first == second == third
    assert (third.root().signed.version, third.targets().signed.version) == (2, 2)
    assert third.root().signed.expires == NOW + timedelta(days=340 + 365)
    assert [path.name for path in (tmp_path / "edge").iterdir()] == ["development-keys"]


def test_a_survey_of_a_demo_has_no_warnings(demo: Ring) -> None:
    found = survey(demo, NOW)

    assert found.warnings == ()
    assert {key.reach for key in found.keys} == {Reach.HERE}
    assert [role.name for role in found.roles][:3] == ["root", "targets", "release"]


def test_a_survey_warns(production: Ring) -> None:
    old = production.roles["targets"]
    shared = replace(old, keys=("release-1", *old.keys[1:]))
    lonely = replace(production.roles["release"], threshold=1)
    spoilt = replace(production, roles={**production.roles, "targets": shared, "release": lonely})
    (production.folder / "snapshot.pem").chmod(0o644)
    (production.folder / "timestamp.pem").unlink()

    said = "\n".join(survey(spoilt, NOW + timedelta(days=340)).warnings)

    assert "root expires on 2027-11-01: edge keys renew root" in said
    assert "root-1 is a root key and lies on this machine" in said
    assert "release-1 has several roles: targets, release" in said
    assert "release: one stolen key is enough, its threshold is 1" in said
    assert "snapshot: others may read its file" in said
    assert "timestamp: its private part is not at file:timestamp.pem" in said
    assert "targets-1 was put away and signs nothing" in said
    assert "root expired on" in "\n".join(survey(spoilt, NOW + timedelta(days=400)).warnings)


class PowerCutError(BaseException):
    """The machine is off."""


@pytest.mark.parametrize("role", ["root", "targets", "release", "timestamp"])
def test_a_rotation_is_completed_after_a_cut_at_any_write(tmp_path: Path, role: str) -> None:
    start = create.init(tmp_path / "start", now=NOW).ring
    for writes in range(20):
        folder = tmp_path / f"cut-{writes}"
        shutil.copytree(start.folder, folder)
        if _rotates_with_power_for(ring.read(folder), role, writes):
            assert writes >= 4
            return
        cut = ring.read(folder)
        assert cut.root().signed.version in (1, 2)
        again = change.rotate(cut, role, now=NOW)
        assert not again.missing
        assert not (folder / PENDING_FILE).exists()
        assert not change.propose(again.ring, now=NOW).missing
    pytest.fail("it never ended")


def _rotates_with_power_for(old: Ring, role: str, writes: int) -> bool:
    real = Path.replace
    done: list[Path] = []

    def replace_(self: Path, target: Path) -> Path:
        if len(done) == writes:
            raise PowerCutError
        done.append(target)
        return real(self, target)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "replace", replace_)
        try:
            change.rotate(old, role, now=NOW)
        except PowerCutError:
            return False
        return True


def test_keys_that_were_carried_away_leave_a_request(production: Ring) -> None:
    for number in (1, 2, 3):
        (production.folder / f"root-{number}.pem").unlink()

    outcome = change.propose(production, now=NOW, renew=["root"])

    assert outcome.missing == (("2.root.json", 1),)
    assert not [text for text in survey(production, NOW).warnings if "root-1" in text]


def test_nobody_is_asked_for_the_passphrase_of_new_keys(tmp_path: Path) -> None:
    asked: list[str] = []

    def ask(what: str) -> str:
        asked.append(what)
        return "first"

    made = create.init(tmp_path / "keys", now=NOW, passphrase="first", ask=ask).ring
    assert asked == []

    change.rotate(made, "root", now=NOW, passphrase="second", ask=ask)

    assert asked == ["passphrase of root.pem"]
    assert ring.read(made.folder).root().signed.version == 2
