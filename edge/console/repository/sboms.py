"""The SBOMs of the releases of a vault."""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge.console.repository.arrivals import file_name
from edge.console.repository.vault import Vault
from edge.errors import ThingNotFoundError
from edge.sbom import reading
from edge.sbom.model import Sbom
from edge_signing.sbom import MOST_BYTES, sbom_path
from edge_signing.trust.offline import Target

# Who turns pages, or compares, asks for the same ones again.
_KEPT: Final = 4


@dataclass(frozen=True, slots=True)
class Document:
    """An SBOM that is here.

    Attributes:
        target: What is signed of it.
        file: Its file, which never changes.
    """

    target: Target
    file: Path


def find(vault: Vault, product: str, version: str) -> Document:
    """Return the SBOM of a release.

    Raises:
        ThingNotFoundError: The release has none, or it is not here.
    """
    path = sbom_path(product, version)
    target = vault.named().get(path)
    if target is None:
        raise ThingNotFoundError(
            f"{product} {version} was released without an SBOM",
            hint="edge release add takes the one of the build",
        )
    file = vault.file(file_name(target))
    if file is not None:
        return Document(target, file)
    if target.length_bytes > MOST_BYTES:
        what = f"its {target.length_bytes} bytes are more than {MOST_BYTES}"
        raise ThingNotFoundError(f"{path} is not kept: {what}")
    raise ThingNotFoundError(
        f"{path} was not brought to this console",
        hint=f"edge releases add {version} --repo DIR, the repository that has it",
    )


def read(one: Document) -> Sbom:
    """Return what an SBOM tells.

    Raises:
        InputError: It can not be read: it is one that an earlier version of Edge took.
    """
    return _read(one.file, one.target.path)


@functools.lru_cache(_KEPT)
def _read(file: Path, place: str) -> Sbom:
    return reading.read(file.read_bytes(), place)
