"""Bundles that bring an SBOM: devices take them, and read nothing of it."""

import io
from pathlib import Path

import pytest

from edge.keys.secrets import nobody
from edge.repository.stage import Addition
from edge.repository.standalone import sign_standalone
from edge_agent.payload import bundle as bundles
from edge_agent.payload.bundle import Bundle
from edge_signing.errors import FormatError, SigningError, TrustError
from edge_signing.sbom import sbom_path
from tests.agent.payload.test_bundle import check, remade
from tests.fakes.small_bundle import NOW, PRODUCT, Workshop, noise
from tests.thoroughness import SOME_OR_ALL

SBOM = b'{"spdxVersion": "SPDX-2.3"}'
PATH = sbom_path(PRODUCT, "1.2.0")


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop.open(tmp_path_factory.mktemp("workshop"))


@pytest.fixture(scope="module")
def lean(workshop: Workshop) -> bytes:
    """A bundle as a build writes it."""
    return workshop.bundle(rootfs=workshop.image("rootfs.img", noise(1, 900))).read_bytes()


def signed(workshop: Workshop, lean: bytes, *paths: str, sbom: bytes = SBOM) -> bytes:
    """Return the bundle with SBOMs that the role has signed."""
    files = Bundle.open(io.BytesIO(lean)).files
    release = f"{PRODUCT}/1.2.0/release.json"
    targets: dict[str, Addition] = {
        release: (files[f"targets/{release}"], {}),
        **dict.fromkeys(paths, (sbom, {})),
    }
    made = sign_standalone(
        workshop.ring, PRODUCT, targets, expires=NOW.replace(year=2099), ask=nobody
    )
    metadata = {f"metadata/{name}": data for name, data in made.items()}
    return remade(lean, {**metadata, **{f"targets/{path}": sbom for path in paths}})


def test_a_device_takes_a_bundle_with_an_sbom(workshop: Workshop, lean: bytes) -> None:
    whole = signed(workshop, lean, PATH)

    found = check(whole, workshop.anchor())

    assert found.contents.sbom == SBOM
    assert found.contents.release == check(lean, workshop.anchor()).contents.release
    assert check(lean, workshop.anchor()).contents.sbom is None


def test_a_signed_sbom_may_be_left_out(workshop: Workshop, lean: bytes) -> None:
    whole = remade(signed(workshop, lean, PATH), {f"targets/{PATH}": None})

    assert check(whole, workshop.anchor()).contents.sbom is None


def test_other_sboms_than_the_signed_one_are_refused(workshop: Workshop, lean: bytes) -> None:
    whole = signed(workshop, lean, PATH)

    with pytest.raises(TrustError, match="not the bytes that were signed"):
        check(remade(whole, {f"targets/{PATH}": SBOM + b" "}), workshop.anchor())
    with pytest.raises(TrustError, match=r"sbom\.spdx\.json: not signed"):
        check(remade(lean, {f"targets/{PATH}": SBOM}), workshop.anchor())


def test_an_sbom_of_another_release_is_refused(workshop: Workshop, lean: bytes) -> None:
    other = sbom_path(PRODUCT, "1.1.0")

    for paths in ([other], [other, PATH]):
        with pytest.raises(FormatError, match=r"1\.1\.0/sbom\.spdx\.json: not of gateway/1\.2\.0"):
            check(signed(workshop, lean, *paths), workshop.anchor())


def test_an_sbom_that_is_too_long_is_refused(
    workshop: Workshop, lean: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundles, "MOST_BYTES", len(SBOM) - 1)

    with pytest.raises(FormatError, match="27 bytes, more than 26"):
        check(signed(workshop, lean, PATH), workshop.anchor())


@pytest.mark.parametrize("step", SOME_OR_ALL)
def test_every_flipped_byte_is_refused(
    workshop: Workshop, lean: bytes, tmp_path: Path, step: int
) -> None:
    whole = bytearray(signed(workshop, lean, PATH))

    for at in range(0, len(whole), step):
        whole[at] ^= 1
        with pytest.raises(SigningError):
            check(bytes(whole), workshop.anchor())
        whole[at] ^= 1
