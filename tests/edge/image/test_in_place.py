"""Images of services that are updated in place: a release of one says which system's own it is."""

from pathlib import Path

from edge.image import in_place as images
from edge.oci import in_place
from edge.progress import SILENT
from edge_signing.release import Content, HashTree, Image, Release
from tests.edge.oci.test_in_place import AGENT, root_of, web


def test_a_release_says_the_digest_by_which_the_root_names_its_own_version(tmp_path: Path) -> None:
    root = root_of(AGENT, web())

    made = images.write(tmp_path, root, seed="seed", compress="none", progress=SILENT)

    opened = made["web"]
    tree = HashTree(bytes.fromhex(opened.root_hash), bytes.fromhex(opened.salt))
    image = Image("service", Content(opened.data_blocks * 4096, bytes(32)), tree)
    release = Release("gateway", "web+1", ("rpi4",), (image,), service="web")
    assert release.own_digest == in_place.digests(root)["web"]


def test_the_release_of_a_system_says_none() -> None:
    tree = HashTree(bytes(32), b"salt")
    image = Image("rootfs", Content(4096, bytes(32)), tree)

    assert Release("gateway", "1", ("rpi4",), (image,)).own_digest == ""
