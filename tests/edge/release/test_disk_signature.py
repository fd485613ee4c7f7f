"""`disk.edge`: what is on a card was signed, for this board, by those who are trusted."""

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from edge.errors import EdgeError, InputError, UntrustedError
from edge.progress import SILENT
from edge.release import disk_signature, export, source
from edge.release.payloads import Terms
from edge.release.source import SourceDisk
from edge_agent.payload.bundle import Bundle
from edge_signing.disk import DiskImage
from edge_signing.errors import SigningError
from tests.fakes.small_bundle import CLOCK_S, NOW, Workshop

_MAP = b"<bmap>what must be written</bmap>"


@dataclass(frozen=True)
class _Build:
    workshop: Workshop
    signature: bytes

    def verified(self, **changed: object) -> DiskImage:
        given = {
            "signature": self.signature,
            "block_map": _MAP,
            "trusted_root": self.workshop.ring.trusted_root(),
            "now": NOW,
            **changed,
        }
        return disk_signature.verified(given.pop("signature"), given.pop("block_map"), **given)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> _Build:
    workshop = Workshop.open(tmp_path_factory.mktemp("workshop"))
    found = source.of_files(
        {"rootfs": workshop.image("root.img", b"root")},
        product="gateway",
        version="1.2.0",
        boards=("rpi4",),
    )
    export.write_standalone(
        replace(found, disk=SourceDisk(4096, _MAP)),
        Terms(counter=3),
        workshop.ring,
        workshop.folder / "update.edge",
        level="fast",
        clock_s=CLOCK_S,
        progress=SILENT,
    )
    return _Build(workshop, (workshop.folder / "disk.edge").read_bytes())


def test_it_says_what_may_be_written_to_which_board(build: _Build) -> None:
    found = build.verified()

    assert (found.product, found.version, found.board) == ("gateway", "1.2.0", "rpi4")
    assert (found.counter, found.length_bytes) == (3, 4096)


def test_another_block_map_is_not_trusted(build: _Build) -> None:
    with pytest.raises(UntrustedError, match="the block map is not the one of gateway"):
        build.verified(block_map=_MAP + b" ")


def test_nobody_elses_keys_are_trusted(build: _Build, tmp_path: Path) -> None:
    stranger = Workshop.open(tmp_path)

    with pytest.raises(UntrustedError):
        build.verified(trusted_root=stranger.ring.trusted_root())


def test_it_expires(build: _Build) -> None:
    with pytest.raises(UntrustedError, match="expired"):
        build.verified(now=NOW + timedelta(days=export.STANDALONE_DAYS + 1))


def test_every_changed_byte_is_refused(build: _Build) -> None:
    for place in range(len(build.signature)):
        changed = bytearray(build.signature)
        changed[place] ^= 0x41

        with pytest.raises((UntrustedError, InputError)):
            build.verified(signature=bytes(changed))


@pytest.mark.parametrize("length", [0, 1, 63, 64, 65, 500, -1])
def test_every_cut_is_refused(build: _Build, length: int) -> None:
    with pytest.raises((UntrustedError, InputError)):
        build.verified(signature=build.signature[:length])


def test_nothing_may_follow(build: _Build) -> None:
    with pytest.raises(InputError):
        build.verified(signature=build.signature + b"\0")


def test_a_bundle_is_no_signature_of_a_disk(build: _Build) -> None:
    with pytest.raises(EdgeError):
        build.verified(signature=(build.workshop.folder / "update.edge").read_bytes())


def test_a_device_does_not_take_it_for_an_update(build: _Build) -> None:
    with (build.workshop.folder / "disk.edge").open("rb") as stream:
        bundle = Bundle.open(stream)
        with pytest.raises(SigningError, match="0 releases"):
            bundle.verified(build.workshop.anchor())
