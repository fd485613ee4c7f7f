"""`edge bundle`: look at bundles, check them, take the images out, make them by hand."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from edge.cli import trusted
from edge.cli.bases import BASES, bases_of
from edge.cli.output import Output
from edge.cli.sections import LazyGroup
from edge.cli.table import human, table
from edge.errors import InputError, ThingNotFoundError
from edge.image.outputs import UPDATE
from edge.release import check, extract
from edge_agent.payload.bundle import Bundle, Contents, Offer
from edge_signing.formats.bundle import MAGIC

BUNDLE = click.argument("file", metavar="FILE.edge", type=click.Path(path_type=Path))


@click.group(cls=LazyGroup)
def bundle() -> None:
    r"""Look at bundles, verify them, take images out, make patches.

    \b
    Examples:
      edge bundle info out/update.edge
      edge bundle verify out/update.edge --board rpi4
    """


@bundle.command("info")
@BUNDLE
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_obj
def info(output: Output, *, file: Path, as_json: bool) -> None:
    r"""Print what a bundle says of itself; whether that is true, `edge bundle verify` tells.

    \b
    Examples:
      edge bundle info out/update.edge
      edge bundle info --json out/update.edge
    """
    output.as_json |= as_json
    with opened(file) as found:
        contents = found.contents()
    output.result(facts_of(contents, file), "\n".join([*_lines(contents, file), "  not verified"]))


@bundle.command("verify")
@BUNDLE
@trusted.options
@click.option("--deep", is_flag=True, help="Decode every segment as well, as a device does.")
@BASES
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_obj
def verify(
    output: Output,
    *,
    file: Path,
    anchor: trusted.AnchorOptions,
    deep: bool,
    bases: tuple[str, ...],
    as_json: bool,
) -> None:
    r"""Check signatures, expiry, and every byte of a bundle.

    The root of trust is --root, else that of the key folder. With --deep each image is put
    together, which for a patch needs the image that it starts from.

    \b
    Examples:
      edge bundle verify out/update.edge
      edge bundle verify update.edge --root keys/1.root.json --board rpi4 --counter 3
      edge bundle verify patch.edge --deep --base rootfs=old/rootfs.img --base boot=old/boot.img
    """
    output.as_json |= as_json
    with opened(file) as found:
        verified = found.verified(anchor.anchor())
        check.blobs(found, verified.contents, progress=output)
        if deep:
            given = bases_of(bases)
            check.images(found, verified.contents, bases=given, progress=output)
    role, expires = verified.trust.role, verified.trust.expires
    facts = {**facts_of(verified.contents, file), "role": role, "expires": expires.isoformat()}
    lines = [
        *_lines(verified.contents, file),
        f"  verified: signed by {role}, until {expires:%Y-%m-%d}",
    ]
    output.result(facts, "\n".join(lines))


@bundle.command("extract")
@BUNDLE
@trusted.options
@click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("images"),
    show_default=True,
    help="Folder for boot.img and rootfs.img.",
)
@BASES
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_obj
def extract_images(
    output: Output,
    *,
    file: Path,
    anchor: trusted.AnchorOptions,
    folder: Path,
    bases: tuple[str, ...],
    as_json: bool,
) -> None:
    r"""Verify a bundle and write its images, as a device would write its slot.

    \b
    Examples:
      edge bundle extract out/update.edge -o images/
      edge bundle extract patch.edge --base old/ -o images/
    """
    output.as_json |= as_json
    given = bases_of(bases)
    with opened(file) as found:
        contents = found.verified(anchor.anchor()).contents
        written = extract.extract(found, contents, folder, bases=given, progress=output)
    facts = {"images": {name: str(path) for name, path in written.items()}}
    rows = [f"{path}: {human(path.stat().st_size)}" for path in written.values()]
    output.result(facts, "\n".join(rows))


bundle.add_lazily(
    {
        "create": "edge.cli.bundle_create:create",
        "patch": "edge.cli.patch:patch",
        "apply": "edge.cli.patch:apply",
    }
)


@contextmanager
def opened(file: Path) -> Iterator[Bundle]:
    """Open a bundle.

    Raises:
        ThingNotFoundError: There is no such file.
        InputError: It is something else.
    """
    if file.is_dir() and (file / UPDATE).is_file():
        raise InputError(f"{file}: a folder", hint=f"the bundle of this build is {file / UPDATE}")
    if not file.is_file():
        raise ThingNotFoundError(f"{file}: no such file", hint="a build makes one: out/update.edge")
    with file.open("rb") as stream:
        if stream.read(len(MAGIC)) != MAGIC:
            raise InputError(f"{file}: no bundle", hint="a build makes one: out/update.edge")
        stream.seek(0)
        yield Bundle.open(stream)


def facts_of(contents: Contents, file: Path) -> dict[str, object]:
    """Return what a bundle says, for machines."""
    release = contents.release
    return {
        "file": str(file),
        "bytes": file.stat().st_size,
        "product": release.product,
        "version": release.version,
        "service": release.service or None,
        "counter": release.counter,
        "from_counter": release.from_counter,
        "boards": list(release.boards),
        "notes": release.notes,
        "images": [
            {
                "partition": image.partition,
                "bytes": image.content.length_bytes,
                "sha256": image.content.sha256.hex(),
                "root_hash": image.tree.root_hash.hex() if image.tree else None,
            }
            for image in release.images
        ],
        "payloads": [_offer_facts(offer, contents) for offer in contents.offers],
        "sbom": _sbom_facts(contents.sbom) if contents.sbom is not None else None,
    }


def _sbom_facts(sbom: bytes) -> dict[str, object]:
    return {"bytes": len(sbom), "sha256": hashlib.sha256(sbom).hexdigest()}


def _offer_facts(offer: Offer, contents: Contents) -> dict[str, object]:
    payload = offer.payload
    base = next((one.base_version for one in contents.patches if payload in one.payloads), None)
    return {
        "partition": payload.partition,
        "kind": payload.kind,
        "bytes": payload.total_bytes,
        "from": base,
    }


def _lines(contents: Contents, file: Path) -> list[str]:
    release = contents.release
    rows = []
    for offer in contents.offers:
        facts = _offer_facts(offer, contents)
        image = release.image(offer.payload.partition).content.length_bytes
        share = f"{100 * offer.payload.total_bytes / image:.1f} %"
        kind = f"{facts['kind']} from {facts['from']}" if facts["from"] else str(facts["kind"])
        rows.append((offer.payload.partition, kind, human(offer.payload.total_bytes), share))
    head = (
        f"{file}: {release.product} {release.version} for {', '.join(release.boards)},"
        f" counter {release.counter}, {human(file.stat().st_size)}"
    )
    columns = ("image", "payload", "size", "of the image")
    lines = [head, *(f"  {line}" for line in table(columns, rows, right={2, 3}))]
    if release.service:
        lines.append(f"  replaces the service {release.service} alone, without a restart")
    if contents.sbom is not None:
        lines.append(f"  SBOM: {human(len(contents.sbom))}")
    return lines
