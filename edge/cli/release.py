"""`edge release`: add releases to a repository, sign and publish them, hand them out as bundles."""

from pathlib import Path

import click

from edge.cli import ask, clock, trusted
from edge.cli.options import JSON, KEYS, PASSPHRASE
from edge.cli.output import Output
from edge.cli.publishing import settled, state_line
from edge.cli.release_options import PRODUCT, REPO
from edge.cli.sections import LazyGroup
from edge.cli.table import human, table
from edge.image.outputs import SIGNATURE
from edge.release import catalogue, disk, export
from edge.release.catalogue import Entry
from edge.repository.repository import Repository


@click.group(cls=LazyGroup)
def release() -> None:
    r"""Add releases to a repository, publish them, write bundles.

    \b
    Examples:
      edge release add out/ --repo repo/
      edge release list --repo repo/
      edge release bundle 1.2.0 --repo repo/ -o update.edge
    """


@release.command("list")
@REPO
@click.option("--product", help="Only of this one.")
@JSON
@click.pass_obj
def list_releases(output: Output, *, folder: Path, product: str | None, as_json: bool) -> None:
    r"""List the releases of a repository, oldest first.

    \b
    Example:
      edge release list --repo repo/
    """
    output.as_json |= as_json
    found = catalogue.entries(Repository.open(folder), product)
    rows = [_row(entry) for entry in found]
    head = ("product", "version", "counter", "boards", "full", "patches from", "state")
    facts = {"releases": [_facts(entry) for entry in found]}
    output.result(facts, "\n".join(table(head, rows, right={2, 4})))


@release.command("publish")
@click.argument("signed", nargs=-1, type=click.Path(path_type=Path))
@REPO
@KEYS
@PASSPHRASE
@JSON
@click.pass_obj
def publish(
    output: Output,
    *,
    signed: tuple[Path, ...],
    folder: Path,
    keys_folder: Path | None,
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    r"""Check the signatures of what waits, and publish it.

    SIGNED are copies of the request that were signed elsewhere; their signatures are put together.
    After a rotation of keys this publishes the new roots as well.

    \b
    Examples:
      edge release publish --repo repo/
      edge release publish --repo repo/ /media/stick/request.json
    """
    output.as_json |= as_json
    repository = Repository.open(folder)
    ring = trusted.key_ring(keys_folder)
    repository.publish(ring, signed, now=clock.of_wall(), ask=ask.secrets_from(passphrase_file))
    output.result({"published": True}, state_line({"published": True}, folder))


@release.command("refresh")
@REPO
@KEYS
@PASSPHRASE
@JSON
@click.pass_obj
def refresh(
    output: Output,
    *,
    folder: Path,
    keys_folder: Path | None,
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    r"""Sign snapshot and timestamp anew before they expire; a console does it by itself.

    \b
    Example:
      edge release refresh --repo repo/
    """
    output.as_json |= as_json
    repository = Repository.open(folder)
    secrets = ask.secrets_from(passphrase_file)
    found = repository.refresh(trusted.key_ring(keys_folder), now=clock.of_wall(), ask=secrets)
    expires = found.timestamp.signed.expires if found.timestamp else None
    output.result({"expires": expires}, f"{folder}: fresh until {expires:%Y-%m-%d %H:%M} UTC")


@release.command("resign")
@click.argument("product")
@REPO
@KEYS
@click.option("--no-sign", is_flag=True, help="Only write what is to be signed.")
@PASSPHRASE
@JSON
@click.pass_obj
def resign(
    output: Output,
    *,
    product: str,
    folder: Path,
    keys_folder: Path | None,
    no_sign: bool,
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    r"""Sign all releases of PRODUCT anew: after its keys were rotated, or before they expire.

    \b
    Example:
      edge keys rotate release --compromised release-1 && edge release resign gateway --repo repo/
    """
    output.as_json |= as_json
    repository = Repository.open(folder)
    ring = trusted.key_ring(keys_folder)
    secrets = ask.secrets_from(passphrase_file)
    repository.stage(ring, product, now=clock.now())
    state = settled(repository, ring, secrets, sign=not no_sign)
    output.result(
        {"product": product, **state}, f"{product}: signed anew\n{state_line(state, folder)}"
    )


@release.command("remove")
@click.argument("version")
@REPO
@KEYS
@PRODUCT
@click.option("--no-sign", is_flag=True, help="Only write what is to be signed.")
@PASSPHRASE
@JSON
@click.pass_obj
def remove(
    output: Output,
    *,
    version: str,
    folder: Path,
    keys_folder: Path | None,
    product: str | None,
    no_sign: bool,
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    r"""Offer a release no longer, and no patch to it or from it; devices that run it go on.

    \b
    Example:
      edge release remove 1.1.0 --repo repo/
    """
    output.as_json |= as_json
    repository = Repository.open(folder)
    ring = trusted.key_ring(keys_folder)
    secrets = ask.secrets_from(passphrase_file)
    entry = catalogue.find(repository, version, product, published=True)
    known = catalogue.entries(repository, entry.release.product)
    doomed = [entry.release.path, *(one.path for one in entry.patches)]
    doomed += [one.path for one in entry.disks]
    doomed += [entry.sbom.path] if entry.sbom else []
    doomed += [one.path for each in known for one in each.patches if one.base_version == version]
    repository.stage(ring, entry.release.product, remove=doomed, now=clock.now())
    state = settled(repository, ring, secrets, sign=not no_sign)
    text = f"{entry.release.product} {version}: no longer offered\n{state_line(state, folder)}"
    output.result({"removed": doomed, **state}, text)


@release.command("bundle")
@click.argument("version")
@click.option("-o", "--output", "path", type=click.Path(path_type=Path), help="The bundle.")
@click.option("--from", "base_version", help="As patches from this release.")
@click.option("--sbom", "with_sbom", is_flag=True, help="With its SBOM, for a console.")
@REPO
@PRODUCT
@JSON
@click.pass_obj
def bundle(
    output: Output,
    *,
    version: str,
    path: Path | None,
    base_version: str | None,
    with_sbom: bool,
    folder: Path,
    product: str | None,
    as_json: bool,
) -> None:
    r"""Write a published release as one file, for a USB stick or a device without a network.

    A bundle has the SBOM only with --sbom: no device needs it, and agents of before there was one
    refuse such a bundle, and write nothing.

    \b
    Examples:
      edge release bundle 1.2.0 -o update.edge
      edge release bundle 1.2.0 --from 1.1.0 -o patch.edge
      edge release bundle 1.2.0 --sbom -o for-the-console.edge
    """
    output.as_json |= as_json
    repository = Repository.open(folder)
    entry = catalogue.find(repository, version, product, published=True)
    path = path or Path(f"{entry.release.product}-{version}.edge")
    export.write(repository, entry, path, base_version=base_version, with_sbom=with_sbom)
    size_bytes = path.stat().st_size
    output.result({"file": str(path), "bytes": size_bytes}, f"{path}: {human(size_bytes)}")


@release.command("disk")
@click.argument("version")
@click.option(
    "-o",
    "--output",
    "path",
    type=click.Path(path_type=Path),
    default=Path("out") / SIGNATURE,
    show_default=True,
    help="The signature; beside disk.img it is found by itself.",
)
@click.option("--board", help="Of the disk image, if there are several.")
@REPO
@PRODUCT
@JSON
@click.pass_obj
def disk_signature(
    output: Output,
    *,
    version: str,
    path: Path,
    board: str | None,
    folder: Path,
    product: str | None,
    as_json: bool,
) -> None:
    r"""Write the signature of the disk image of a published release.

    A build writes it by itself when the keys are at hand; else this brings it, after the release
    was signed elsewhere and published.

    \b
    Example:
      edge release disk 1.2.0 --repo repo/ -o out/disk.edge
    """
    output.as_json |= as_json
    repository = Repository.open(folder)
    entry = catalogue.find(repository, version, product, published=True)
    found = disk.write_published(repository, entry, board, path)
    facts = {"file": str(path), "board": found.board, "bytes": found.length_bytes}
    output.result(facts, f"{path}: {found.product} {found.version} for {found.board}")


release.add_lazily({"add": "edge.cli.release_add:add", "fetch": "edge.cli.fetch:fetch"})


def _row(entry: Entry) -> tuple[str, ...]:
    made = entry.release
    return (
        made.product,
        made.version,
        str(made.counter),
        ", ".join(made.boards),
        human(sum(one.total_bytes for one in made.payloads if one.kind == "full")),
        ", ".join(one.base_version for one in entry.patches) or "-",
        "published" if entry.published else "waits",
    )


def _facts(entry: Entry) -> dict[str, object]:
    made = entry.release
    return {
        "product": made.product,
        "version": made.version,
        "counter": made.counter,
        "boards": list(made.boards),
        "published": entry.published,
        "disks": [one.board for one in entry.disks],
        "sbom": entry.sbom.sha256 if entry.sbom else None,
        "payloads": {
            partition: {
                one.kind: one.total_bytes for one in made.payloads if one.partition == partition
            }
            for partition in (image.partition for image in made.images)
        },
        "patches": {
            one.base_version: sum(each.total_bytes for each in one.payloads)
            for one in entry.patches
        },
    }
