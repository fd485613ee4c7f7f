"""`manifest.json`: what a build made, in figures; `edge report` prints it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge import atomic, digest
from edge.errors import InputError, ThingNotFoundError

if TYPE_CHECKING:  # who only reads a manifest is spared the modules that make one
    from edge.hardening.protection import Finding
    from edge.oci.report import PartSize, Privileges
    from edge_agent.verity import Verity

FILE = "manifest.json"
FORMAT = 1
DIGEST, MAP = "digest", "block_map"  # of a file: of its bytes, or of its block map


@dataclass(frozen=True, slots=True)
class Facts:
    """What there is to say about a build; without a disk it has no `rootfs` that is verified.

    `raw` is what lies outside of the partitions of the disk, `in_place` opens the images of
    services that are updated in place.
    """

    system: str
    board: str
    version: str
    counter: int
    tools: str
    kernel: str | None
    formats: Sequence[str]
    hardening: "Sequence[Finding]"
    rootfs: "Verity | None"
    sizes: "Sequence[PartSize]"
    privileges: "Sequence[Privileges]"
    images: Mapping[str, str]
    packages: Mapping[str, Sequence[str]]
    raw: "Sequence[Mapping[str, object]]" = ()
    in_place: "Mapping[str, Verity]" = field(default_factory=dict)


def write(
    folder: Path,
    facts: Facts,
    files: Sequence[Path],
    *,
    digests: Mapping[Path, str],
    mapped: Mapping[Path, Path],
) -> None:
    """Write the manifest.

    Args:
        folder: The build.
        facts: What there is to say.
        files: What it names with its length and its digest.
        digests: Those that are known already.
        mapped: Sparse files with the block map of each: instead of a digest they get that of the
            map, which has the digests of all that is in them but holes.
    """
    document = {
        "format": FORMAT,
        **asdict(facts),
        "files": {
            str(path.relative_to(folder)): {
                "bytes": path.stat().st_size,
                **(
                    {MAP: digest.of_file(mapped[path])}
                    if path in mapped
                    else {DIGEST: digests.get(path) or digest.of_file(path)}
                ),
            }
            for path in sorted(files)
        },
    }
    with atomic.file(folder / FILE) as stream:
        stream.write((json.dumps(document, indent=1, sort_keys=True) + "\n").encode())


def read(folder: Path) -> dict[str, Any]:
    """Return the manifest of a build folder.

    Raises:
        ThingNotFoundError: There is none.
        InputError: It is damaged.
    """
    path = folder / FILE
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise ThingNotFoundError(
            f"{folder}: no build is here",
            hint="make one: edge build SYSTEM.yml --board NAME -o DIR",
        ) from error
    except ValueError as error:
        raise InputError(f"{path}: {error}", hint="build again") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise InputError(f"{path}: not a manifest of this version of Edge", hint="build again")
    return document
