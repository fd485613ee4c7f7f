"""What an order of a server comes to: director and release role have to agree, for this device."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from edge.repository.order import sign_order
from edge_agent.check import DeviceSource
from edge_agent.counters import Floor
from edge_agent.errors import AgentError
from edge_agent.identity import Identity
from edge_agent.parts import Checked, Known
from edge_agent.record import Action
from edge_agent.standing import Standing
from edge_signing.approval import Approvers
from edge_signing.errors import TrustError
from edge_signing.messages import Desired
from edge_signing.release import Content, Image, PatchSet, Payload, Release
from edge_signing.trust import signatures
from edge_signing.trust.sighting import UNSEEN, Sighting
from tests.fakes.agent_parts import FakeClock
from tests.fakes.folder_link import FolderLink
from tests.fakes.forge import NOW, PRODUCT, Yard

NOW_S = int(NOW.timestamp())
IMAGE = Content(4096, b"i" * 32)
PATCH = Payload(
    "patch", "boot", Content(1, b"1" * 32), Content(2, b"2" * 32), Content(3, b"3" * 32)
)


@dataclass
class Bench:
    """A repository, and a device that looks at it."""

    yard: Yard
    folder: Path
    standing: Standing = field(default_factory=lambda: Standing("rpi4", PRODUCT, "1.0", 2))
    device: str = "unit-7"
    approvers: Approvers | None = None
    approval: bytes = b""
    in_place: str = ""

    def release(self, version: str = "1.1", **facts: Any) -> str:
        release = Release(
            **{
                **{"product": PRODUCT, "version": version, "boards": ("rpi4",), "counter": 3},
                **{"images": (Image("boot", IMAGE), Image("rootfs", IMAGE))},
                **facts,
            }
        )
        return self.yard.release(version, release.pack(), release.product)

    def document(self, *paths: str, **words: Any) -> bytes:
        found = self.yard.repository.targets(PRODUCT)
        settings = {"device": "unit-7", "epoch": 2, "version": 3, "now": self.yard.now}
        targets = {path: found[path] for path in paths}
        return sign_order(self.yard.ring, targets, **{**settings, **words})

    def seen(self, role: str, version: int) -> Sighting:
        root = self.yard.ring.root().signed
        return signatures.seen(root, role, version=version, root_version=root.version)

    def check(self, path: str | None, document: bytes, **known: Any) -> Checked:
        root = self.folder / "root.json"
        root.write_bytes(self.yard.trusted_root)
        nowhere = self.folder / "identity"
        identity = Identity(self.device, 2, nowhere, nowhere, nowhere)
        link = FolderLink(FakeClock(), folder=self.yard.folder / "repo")
        source = DeviceSource(
            self.standing,
            root,
            self.folder / "trust",
            link,
            identity,
            approvers=self.approvers,
            version_of=lambda _service: self.in_place,
        )
        desired = Desired(1, "a-1", path, document, approval=self.approval)
        action = Action("a-1", "install", "b", desired=desired)
        facts = {"floor": Floor(), "now_s": NOW_S, "epoch": 2, "director": UNSEEN, "seen": UNSEEN}
        return source.check(action, Known(**{**facts, **known}))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(Yard(tmp_path / "yard"), tmp_path)


def test_what_both_name_is_installed(bench: Bench) -> None:
    path = bench.release()

    checked = bench.check(path, bench.document(path))

    assert checked.release is not None
    assert (checked.release.version, checked.patches) == ("1.1", ())
    assert (checked.epoch, checked.director.version) == (2, 3)
    assert checked.seen == bench.seen("targets", bench.yard.ring.targets().signed.version)


def test_patches_from_what_runs_come_with_it(bench: Bench) -> None:
    path = bench.release()
    patches = PatchSet(PRODUCT, "1.1", "1.0", (PATCH,))
    others = PatchSet(PRODUCT, "1.1", "0.9", (PATCH,))
    for one in (patches, others):
        files = {one.path: (one.pack(), {"n": 1})}
        bench.yard.repository.stage(bench.yard.ring, PRODUCT, files, now=bench.yard.now)
        bench.yard.sign_pending()
        bench.yard.repository.publish(bench.yard.ring, now=bench.yard.now)

    checked = bench.check(path, bench.document(path))

    assert checked.patches == (patches,)


def test_an_order_of_nothing_is_to_stay(bench: Bench) -> None:
    bench.release()

    assert bench.check(None, bench.document()).release is None


@pytest.mark.parametrize(
    ("words", "known", "reason"),
    [
        pytest.param({"device": "unit-8"}, {}, "for the device 'unit-8'", id="other device"),
        pytest.param({"epoch": 1}, {}, "for the enrolment 1, not 2", id="old enrolment"),
        pytest.param({}, {"floor": Floor(counter=4)}, "is 3, below 4", id="rollback"),
        pytest.param({}, {"now_s": NOW_S + 400 * 86_400}, "expired", id="expired"),
    ],
)
def test_what_is_not_for_this_device_now_is_refused(
    bench: Bench, words: dict[str, Any], known: dict[str, Any], reason: str
) -> None:
    path = bench.release()

    with pytest.raises(TrustError, match=reason):
        bench.check(path, bench.document(path, **words), **known)


def test_an_older_order_than_the_last_one_is_refused(bench: Bench) -> None:
    path = bench.release()
    last = bench.check(path, bench.document(path, version=4)).director

    with pytest.raises(TrustError, match=r"director.json: version 3 is below 4"):
        bench.check(path, bench.document(path, version=3), director=last)


@pytest.mark.parametrize("name", ["floor", "seen"])
def test_older_delegations_than_those_committed_or_last_seen_are_refused(
    bench: Bench, name: str
) -> None:
    path = bench.release()
    higher = bench.seen("targets", 9)
    known = {"floor": Floor(targets=higher), "seen": higher}

    with pytest.raises(TrustError, match=r"targets.json: version 1 is below 9"):
        bench.check(path, bench.document(path), **{name: known[name]})


def test_a_new_enrolment_starts_the_versions_again(bench: Bench) -> None:
    path = bench.release()
    last = bench.check(path, bench.document(path, version=99)).director

    assert bench.check(path, bench.document(path), epoch=1, director=last).release


def test_what_the_director_does_not_order_is_refused(bench: Bench) -> None:
    old, new = bench.release("1.1"), bench.release("1.2")

    with pytest.raises(TrustError, match="the director does not order it"):
        bench.check(old, bench.document(new))


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        pytest.param({"boards": ("rpi3",)}, "not for rpi4", id="other board"),
        pytest.param({"counter": 9, "from_counter": 5}, "with counter 2", id="step between"),
    ],
)
def test_a_release_that_is_not_for_this_system_is_refused(
    bench: Bench, facts: dict[str, Any], reason: str
) -> None:
    path = bench.release(**facts)

    with pytest.raises(TrustError, match=reason):
        bench.check(path, bench.document(path))


def test_a_device_of_another_product_finds_nothing(bench: Bench) -> None:
    path = bench.release()
    bench.standing = replace(bench.standing, product="other")

    with pytest.raises(TrustError):
        bench.check(path, bench.document(path))


def test_an_order_that_nobody_of_ours_signed_is_refused(bench: Bench, tmp_path: Path) -> None:
    path = bench.release()
    stranger = Bench(Yard(tmp_path / "stranger"), tmp_path)
    stranger.release()

    with pytest.raises(TrustError):
        bench.check(path, stranger.document(path))


def test_a_device_without_a_root_trusts_nobody(bench: Bench) -> None:
    path = bench.release()
    document = bench.document(path)
    link = FolderLink(FakeClock(), folder=bench.yard.folder / "repo")
    nowhere = bench.folder / "identity"
    identity = Identity("unit-7", 2, nowhere, nowhere, nowhere)
    folder = bench.folder
    source = DeviceSource(bench.standing, folder / "none.json", folder / "trust", link, identity)
    action = Action("a-1", "install", "b", desired=Desired(1, "a-1", path, document))

    with pytest.raises(AgentError, match="this device trusts nobody"):
        source.check(action, Known(Floor(), NOW_S, 0, UNSEEN, UNSEEN))


def test_a_device_without_an_identity_asks_no_server(bench: Bench) -> None:
    source = DeviceSource(bench.standing, bench.folder / "root.json", bench.folder / "trust")
    action = Action("a-1", "install", "b", desired=Desired(1, "a-1", None, b"{}"))

    with pytest.raises(AgentError, match="no identity"):
        source.check(action, Known(Floor(), NOW_S, 0, UNSEEN, UNSEEN))
