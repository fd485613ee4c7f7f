"""A bundle of one service on a device of files, with real signatures."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from edge.progress import SILENT
from edge.release import export
from edge.release.payloads import Terms
from edge.release.source import Source, SourceImage
from edge_agent import device, verity
from edge_agent.device import Places, Waker
from edge_agent.driver import Agent
from edge_agent.in_place.running import versions
from edge_agent.in_place.services import LIST
from edge_agent.in_place.word import FACTORY
from edge_agent.machine import State
from edge_agent.outbox import Outbox
from edge_agent.request import Request
from edge_agent.store import files_in
from edge_signing import canonical
from edge_signing.release import HashTree
from tests.agent.conftest import AgentFiles
from tests.fakes.small_bundle import BOARD, CLOCK_S, PRODUCT, Workshop, noise

STEPS_MOST = 60
DIGEST = "d" * 64
IMAGE_BYTES = 40_960


@dataclass
class Field:
    """A device with the service `web`, and who makes its releases."""

    files: AgentFiles
    workshop: Workshop
    asked: int

    @property
    def places(self) -> Places:
        return replace(self.files.places, state=self.files.folder / "state")

    @property
    def word(self) -> str:
        return (self.places.run / LIST / "web").read_text()

    def bundle(
        self, version: str, *, service: str = "web", board: str = BOARD, salt: bytes = b"salt"
    ) -> Path:
        """Make the signed bundle of a version of a service."""
        image = self.workshop.folder / f"{version}.img"
        image.write_bytes(noise(int(version[0]), IMAGE_BYTES))
        opened = verity.append_tree(image, salt=salt)
        tree = HashTree(bytes.fromhex(opened.root_hash), salt)
        source = Source(
            *(PRODUCT, version, (board,), (SourceImage("service", image, IMAGE_BYTES, tree),)),
            service=service,
        )
        path = self.workshop.folder / f"{version}.edge"
        export.write_standalone(
            *(source, Terms(), self.workshop.ring, path),
            level="fast",
            clock_s=CLOCK_S,
            progress=SILENT,
        )
        return path

    def start(self) -> Agent:
        """Start the device: what is in memory is gone, and init starts what it is told."""
        shutil.rmtree(self.places.state, ignore_errors=True)
        shutil.rmtree(self.places.run, ignore_errors=True)
        boot_id = self.files.folder / "boot_id"
        boot_id.write_text(f"{boot_id.read_text().strip()}1\n")
        agent = device.agent(self.places, Waker())
        agent.start()
        self.start_service()
        return agent

    def start_service(self) -> None:
        """What init does when it starts the service."""
        words = self.word.split()
        said = [words[0], words[1], words[4]] if len(words) > 1 else [FACTORY, "-"]
        shown = self.places.state / LIST / "web"
        shown.parent.mkdir(parents=True, exist_ok=True)
        shown.write_text(" ".join(said) + "\n")

    def install(self, agent: Agent, bundle: Path) -> str:
        """Install a bundle to the end of its action; return why it failed, empty if it did not."""
        agent.take(Request("install", f"local-{bundle.stem}", str(bundle)))
        for _step in range(STEPS_MOST):
            if agent.record.state is State.IDLE:
                agent.close()
                return agent.record.last_reason
            agent.step()
            if b"switch web " in self.heard():
                self.start_service()
        raise AssertionError(f"still {agent.record.state}: {agent.status().reason}")

    def heard(self) -> bytes:
        try:
            return os.read(self.asked, 1000)
        except BlockingIOError:
            return b""


@pytest.fixture
def field(files: AgentFiles, tmp_path: Path) -> Iterator[Field]:
    workshop = Workshop.open(tmp_path)
    etc = files.places.etc
    etc.mkdir()
    standing = {"board": BOARD, "product": PRODUCT, "version": "1.0.0", "counter": 0}
    facts = canonical.encode({**standing, "clock_s": CLOCK_S, "format": 1})
    (etc / "device.json").write_bytes(facts)
    (etc / "root.json").write_bytes(workshop.ring.trusted_root())
    (etc / "agent.json").write_text('{"health": {"stable_s": 0, "timeout_s": 5}}\n')
    (etc / LIST).write_text(f"web {DIGEST}\n")
    files.ready.touch()
    for name in ("boot-a", "boot-b", "rootfs-a", "rootfs-b"):
        (files.places.devices / name).write_bytes(bytes(4096))
    pipe = files.places.devices / "request"
    os.mkfifo(pipe)
    handle = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    yield Field(files, workshop, handle)
    os.close(handle)


def test_a_bundle_of_a_service_is_installed_and_started_at_each_start(field: Field) -> None:
    agent = field.start()
    assert field.word == "factory\n"

    assert field.install(agent, field.bundle("2.0")) == ""

    image = (field.places.data / "services/web/a.img").read_bytes()
    assert image == (field.workshop.folder / "2.0.img").read_bytes()
    assert versions(field.places.services()) == {"web": "web+2.0"}
    field.start().close()
    assert field.word.startswith("a ")
    assert field.word.endswith(" web+2.0\n")
    events = Outbox(files_in(field.places.data / "outbox"), "reader", lambda: "word").waiting()
    assert [(one.kind, one.version) for one in events] == [("succeeded", "web+2.0")]


def test_the_version_after_it_goes_beside_it(field: Field) -> None:
    field.install(field.start(), field.bundle("2.0"))

    assert field.install(field.start(), field.bundle("3.0")) == ""

    folder = field.places.data / "services/web"
    assert field.word.startswith("b ")
    assert (folder / "a.img").read_bytes() == (field.workshop.folder / "2.0.img").read_bytes()


def test_the_bundle_of_the_systems_own_version_goes_back_to_it(field: Field) -> None:
    field.install(field.start(), field.bundle("2.0"))

    assert field.install(field.start(), field.bundle("1.0", salt=bytes.fromhex(DIGEST))) == ""

    assert field.word == "factory\n"
    assert not (field.places.data / "services/web/b.img").exists()
    field.start().close()
    assert field.word == "factory\n"
    assert versions(field.places.services()) == {"web": DIGEST[:16]}


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        pytest.param({"board": "rpi5"}, "is for rpi5, not for rpi4", id="for another board"),
        pytest.param({"service": "api"}, "no service api that is updated in place", id="another"),
    ],
)
def test_what_is_not_for_this_device_changes_nothing(
    field: Field, words: dict[str, Any], reason: str
) -> None:
    agent = field.start()

    assert reason in field.install(agent, field.bundle("2.0", **words))

    assert field.word == "factory\n"
    assert not (field.places.data / "services").exists()


def test_a_bundle_of_somebody_else_changes_nothing(field: Field, tmp_path: Path) -> None:
    (tmp_path / "thief").mkdir()
    thief = replace(field, workshop=Workshop.open(tmp_path / "thief"))
    agent = field.start()

    assert "not the root that is trusted" in field.install(agent, thief.bundle("2.0"))

    assert field.word == "factory\n"


def test_a_partition_without_room_is_told_before_the_image_comes(
    field: Field, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(_handle: int, _offset: int, _length: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", no_room)
    agent = field.start()

    reason = field.install(agent, field.bundle("2.0"))

    assert "No space left on device" in reason
    assert (field.places.data / "services/web/a.img").read_bytes() == b""
    assert field.word == "factory\n"
