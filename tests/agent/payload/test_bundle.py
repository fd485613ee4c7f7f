"""Bundles as a device reads them: what is refused, and why."""

import hashlib
import io
import os
import random
import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from edge.release.payloads import Terms
from edge_agent.payload import assemble
from edge_agent.payload.bundle import Anchor, Bundle, Verified
from edge_signing.errors import FormatError, SigningError, TrustError
from edge_signing.formats.bundle import HEADER_BYTES, Header, MetadataSection
from edge_signing.release import Release
from tests.fakes.small_bundle import NOW, PRODUCT, Workshop, noise, verify
from tests.thoroughness import SOME_OR_ALL


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop.open(tmp_path_factory.mktemp("workshop"))


@pytest.fixture(scope="module")
def whole(workshop: Workshop) -> bytes:
    """A bundle of a boot and a root image, a few kilobytes."""
    boot = workshop.image("boot.img", b"kernel", noise(1, 600))
    rootfs = workshop.image("rootfs.img", b"root " * 2000, noise(2, 900), b"")
    return workshop.bundle(boot=boot, rootfs=rootfs, terms=Terms(counter=5)).read_bytes()


def check(data: bytes, anchor: Anchor) -> Verified:
    bundle = Bundle.open(io.BytesIO(data))
    verified = bundle.verified(anchor)
    for offer in verified.contents.offers:
        bundle.check_blob(offer)
    return verified


def remade(data: bytes, files: Mapping[str, bytes | None], *, payload: bytes = b"") -> bytes:
    """Return a bundle with other entries, and a header that is right for them."""
    bundle = Bundle.open(io.BytesIO(data))
    made = {**bundle.files, **files}
    section = MetadataSection.of({n: one for n, one in made.items() if one is not None}).pack()
    blobs = data[HEADER_BYTES + bundle.header.metadata_bytes :] + payload
    header = Header(len(section), len(blobs), hashlib.sha256(section).digest())
    return header.pack() + section + blobs


def test_a_bundle_is_verified(workshop: Workshop, whole: bytes) -> None:
    check(whole, workshop.anchor())

    contents = Bundle.open(io.BytesIO(whole)).contents()

    assert [offer.payload.partition for offer in contents.offers] == ["boot", "rootfs"]
    assert (contents.release.product, contents.release.counter) == (PRODUCT, 5)


def test_the_same_images_and_keys_give_the_same_bytes(workshop: Workshop, whole: bytes) -> None:
    folder = workshop.folder

    again = workshop.bundle(
        boot=folder / "boot.img", rootfs=folder / "rootfs.img", terms=Terms(counter=5)
    )

    assert again.read_bytes() == whole


@pytest.mark.parametrize("step", SOME_OR_ALL)
def test_every_flipped_byte_is_refused(workshop: Workshop, whole: bytes, step: int) -> None:
    anchor = workshop.anchor()
    accepted = []

    for at in range(0, len(whole), step):
        flipped = bytearray(whole)
        flipped[at] ^= 1 << (at % 8)
        try:
            check(bytes(flipped), anchor)
        except SigningError:
            continue
        accepted.append(at)

    assert accepted == []


def test_every_length_but_the_right_one_is_refused(workshop: Workshop, whole: bytes) -> None:
    anchor = workshop.anchor()

    for length in range(len(whole)):
        with pytest.raises(SigningError):
            check(whole[:length], anchor)
    for more in (b"\0", b"x" * 5000):
        with pytest.raises(FormatError, match="bytes where the header says"):
            check(whole + more, anchor)


@pytest.mark.slow
def test_ten_thousand_flipped_bytes_of_a_large_bundle_are_refused(workshop: Workshop) -> None:
    rootfs = workshop.image("large.img", noise(3, 2 << 20), b"text " * 300_000)
    whole = bytearray(workshop.bundle(rootfs=rootfs).read_bytes())
    anchor, places = workshop.anchor(), random.Random(4)
    accepted = []

    for _ in range(10_000):
        at, bit = places.randrange(len(whole)), 1 << places.randrange(8)
        whole[at] ^= bit
        try:
            check(bytes(whole), anchor)
        except SigningError:
            continue
        else:
            accepted.append(at)
        finally:
            whole[at] ^= bit

    assert accepted == []
    check(bytes(whole), anchor)


# What the header's hash does not find, because whoever changed the entries made a new header.


def test_a_table_that_no_document_names_is_refused(workshop: Workshop, whole: bytes) -> None:
    table = b"not named"

    with pytest.raises(FormatError, match="named by no document"):
        check(
            remade(whole, {f"tables/{hashlib.sha256(table).hexdigest()}": table}),
            workshop.anchor(),
        )


def test_a_table_under_the_name_of_another_is_refused(workshop: Workshop, whole: bytes) -> None:
    tables = [n for n in Bundle.open(io.BytesIO(whole)).files if n.startswith("tables/")]

    with pytest.raises(TrustError, match="not the table that was signed"):
        check(remade(whole, {tables[0]: b"other"}), workshop.anchor())


def test_a_table_that_is_left_out_is_refused(workshop: Workshop, whole: bytes) -> None:
    tables = [n for n in Bundle.open(io.BytesIO(whole)).files if n.startswith("tables/")]

    with pytest.raises(FormatError, match="not the blobs of its payloads"):
        check(remade(whole, {tables[0]: None}), workshop.anchor())
    with pytest.raises(FormatError):
        check(remade(whole, dict.fromkeys(tables)), workshop.anchor())


def test_bytes_behind_the_blobs_are_refused(workshop: Workshop, whole: bytes) -> None:
    with pytest.raises(FormatError, match="not the blobs of its payloads"):
        check(remade(whole, {}, payload=b"\0"), workshop.anchor())


def test_a_document_that_nobody_signed_is_refused(workshop: Workshop, whole: bytes) -> None:
    files = Bundle.open(io.BytesIO(whole)).files
    path = f"targets/{PRODUCT}/1.2.0/release.json"
    other = replace(Release.unpack(files[path]), counter=99)

    with pytest.raises(TrustError, match="not the bytes that were signed"):
        check(remade(whole, {path: other.pack()}), workshop.anchor())
    with pytest.raises(TrustError, match=r"from-1\.1\.0\.json: not signed"):
        check(remade(whole, {f"targets/{PRODUCT}/1.2.0/from-1.1.0.json": b"{}"}), workshop.anchor())


@pytest.mark.parametrize(
    "name",
    [
        "metadata/timestamp.json",
        "metadata/other.json",
        "metadata/3.root.json",
        "targets/other/1.2.0/release.json",
        f"targets/{PRODUCT}/1.2.1/release.json",
        f"targets/{PRODUCT}/1.2.0/release.json.gz",
        f"targets/{PRODUCT}/1.2.0/x/release.json",
        "more",
    ],
)
def test_an_entry_that_is_not_asked_for_is_refused(
    workshop: Workshop, whole: bytes, name: str
) -> None:
    with pytest.raises(SigningError):
        check(remade(whole, {name: b"{}"}), workshop.anchor())


def test_a_root_that_the_device_has_need_not_be_there(workshop: Workshop, whole: bytes) -> None:
    check(remade(whole, {"metadata/1.root.json": None}), workshop.anchor())


@pytest.mark.parametrize("name", ["targets.json", "release.json"])
def test_metadata_that_is_not_there_is_refused(workshop: Workshop, whole: bytes, name: str) -> None:
    with pytest.raises(FormatError):
        check(remade(whole, {f"metadata/{name}": None}), workshop.anchor())


def test_metadata_in_another_form_is_refused(workshop: Workshop, whole: bytes) -> None:
    files = Bundle.open(io.BytesIO(whole)).files

    for name in ("1.root.json", "targets.json", "release.json"):
        spaced = files[f"metadata/{name}"].replace(b":", b": ", 1)
        with pytest.raises(FormatError):
            check(remade(whole, {f"metadata/{name}": spaced}), workshop.anchor())


# Signed by whom, for whom, how long.


def test_keys_of_somebody_else_are_refused(
    workshop: Workshop, whole: bytes, tmp_path: Path
) -> None:
    other = Workshop.open(tmp_path)

    with pytest.raises(TrustError):
        check(whole, replace(workshop.anchor(), trusted_root=other.ring.trusted_root()))


def test_keys_of_another_product_are_refused(tmp_path: Path) -> None:
    workshop = Workshop.open(tmp_path, products=("camera", PRODUCT))
    path = workshop.bundle(rootfs=workshop.image("rootfs.img", b"x"))
    data = path.read_bytes()
    files = Bundle.open(io.BytesIO(data)).files
    moved = {
        f"metadata/{PRODUCT}.json": None,
        "metadata/camera.json": files[f"metadata/{PRODUCT}.json"],
    }

    verify(path, workshop.anchor())
    with pytest.raises(TrustError):
        check(remade(data, moved), workshop.anchor())


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        pytest.param({"board": "rpi3"}, "is for rpi4, not for rpi3", id="board"),
        pytest.param({"counter": 6}, "rollback counter is 5, below 6", id="counter"),
        pytest.param({"now": NOW + timedelta(days=4000)}, "expired", id="expired"),
    ],
)
def test_what_is_not_for_this_device_is_refused(
    workshop: Workshop, whole: bytes, known: dict[str, object], reason: str
) -> None:
    with pytest.raises(TrustError, match=reason):
        check(whole, workshop.anchor(**known))


def test_older_delegations_than_those_seen_are_refused(workshop: Workshop, whole: bytes) -> None:
    seen = check(whole, workshop.anchor()).trust.seen
    check(whole, workshop.anchor(targets=seen))

    with pytest.raises(TrustError, match="version 1 is below 2"):
        check(whole, workshop.anchor(targets=replace(seen, version=2)))


def test_a_release_that_needs_a_step_between_is_refused(workshop: Workshop) -> None:
    path = workshop.bundle(
        rootfs=workshop.image("hop.img", b"x"), terms=Terms(counter=5, from_counter=4)
    )

    verify(path, workshop.anchor(running_counter=4))
    with pytest.raises(TrustError, match="over a system with counter 3") as caught:
        verify(path, workshop.anchor(running_counter=3))
    assert "counter of at least 4" in (caught.value.hint or "")


def test_a_bundle_that_changes_while_it_is_read_is_found(
    workshop: Workshop, whole: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "update.edge"
    path.write_bytes(whole)
    with path.open("rb", buffering=0) as raw:
        stream = io.BufferedReader(raw, buffer_size=16)
        bundle = Bundle.open(stream)
        offers = bundle.verified(workshop.anchor()).contents.offers
        with path.open("r+b") as other:
            other.seek(-1, os.SEEK_END)
            other.write(b"\xff" if whole[-1] != 0xFF else b"\0")
        with pytest.raises(TrustError, match="payload rootfs full"):
            bundle.check_blob(offers[1])


def test_a_file_put_in_its_place_is_not_read(
    workshop: Workshop, whole: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "update.edge"
    path.write_bytes(whole)
    with path.open("rb") as stream:
        bundle = Bundle.open(stream)
        offers = bundle.verified(workshop.anchor()).contents.offers
        path.unlink()
        shutil.copyfile("/dev/null", path)

        for offer in offers:
            bundle.check_blob(offer)


def test_the_golden_bundle_gives_the_image_of_the_document() -> None:
    vectors = Path(__file__).parents[2] / "vectors"
    document = (Path(__file__).parents[3] / "docs" / "formats.md").read_text()
    anchor = Anchor((vectors / "bundle.root.json").read_bytes(), NOW)
    target = io.BytesIO()

    with (vectors / "bundle.edge").open("rb") as stream:
        bundle = Bundle.open(stream)
        contents = bundle.verified(anchor).contents
        (offer,) = contents.offers
        bundle.check_blob(offer)
        pieces = assemble.pieces(
            offer.payload, offer.table, lambda at, length: bundle.fetch(offer, at, length), None
        )
        assemble.write(contents.release.images[0], pieces, target)

    assert f"`{hashlib.sha256(target.getvalue()).hexdigest()}`" in document
