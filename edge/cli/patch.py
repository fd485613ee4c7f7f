"""`edge bundle patch` and `apply`: patches between releases of a repository, or between files."""

from dataclasses import dataclass
from pathlib import Path

import click

from edge import atomic
from edge.bundle import delta
from edge.cli import ask, clock, trusted
from edge.cli.options import JSON, KEYS, PASSPHRASE
from edge.cli.output import Output
from edge.cli.publishing import settled, state_line
from edge.cli.release_options import PRODUCT, REPO
from edge.cli.savings import saving_facts, saving_lines
from edge.cli.table import human
from edge.errors import InputError, ThingNotFoundError
from edge.release import adding, catalogue, export
from edge.release.adding import Patched
from edge.repository.repository import Repository
from edge_agent.payload import patch_file
from edge_signing.release import PatchSet

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("patch")
@click.argument("old", metavar="[OLD.img", required=False, type=FILE)
@click.argument("new", metavar="NEW.img]", required=False, type=FILE)
@click.option("-o", "--output", "path", type=FILE, help="The patch, or the bundle of it.")
@click.option("--from", "base_version", help="The release that devices have.")
@click.option("--to", "version", help="The release that they get.")
@REPO
@KEYS
@PRODUCT
@click.option("--dry-run", is_flag=True, help="Only tell what it would save.")
@click.option("--no-sign", is_flag=True, help="Only write what is to be signed.")
@PASSPHRASE
@JSON
@click.pass_obj
def patch(
    output: Output,
    *,
    old: Path | None,
    new: Path | None,
    path: Path | None,
    base_version: str | None,
    version: str | None,
    folder: Path,
    keys_folder: Path | None,
    product: str | None,
    dry_run: bool,
    no_sign: bool,
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    r"""Make a patch from one release of a repository to another, or from one file to another.

    Between releases it is signed and published like a release; -o writes a bundle of it as well.
    Where it would be larger than the full payload there is none. Between files -o is the patch.

    \b
    Examples:
      edge bundle patch --from 1.1.0 --to 1.2.0 --repo repo/
      edge bundle patch --from 1.1.0 --to 1.2.0 --repo repo/ --dry-run
      edge bundle patch OLD.img NEW.img -o P
    """
    output.as_json |= as_json
    match old, new, base_version, version:
        case Path(), Path(), None, None:
            _between_files(output, old, new, path, dry_run=dry_run)
        case None, None, str(), str():
            repository = Repository.open(folder)
            base = catalogue.find(repository, base_version, product)
            entry = catalogue.find(repository, version, product or base.release.product)
            found = adding.patch(repository, base, entry, progress=output)
            told = _Told.of(f"{base_version} to {version}:", found)
            if not dry_run and found.patch_set is not None:
                ring = trusted.key_ring(keys_folder)
                secrets = ask.secrets_from(passphrase_file)
                adding.stage_patch(repository, ring, found, now=clock.now())
                told.add_state(settled(repository, ring, secrets, sign=not no_sign), folder)
                told.add_bundle(repository, found.patch_set, path)
            output.result(told.facts, "\n".join(told.lines))
        case _:
            raise InputError(
                "neither two files nor two releases",
                hint="give OLD.img NEW.img, or --from and --to",
            )


@dataclass(frozen=True, slots=True)
class _Told:
    """What is to be printed of patches between releases."""

    facts: dict[str, object]
    lines: list[str]

    @classmethod
    def of(cls, head: str, found: Patched) -> "_Told":
        return cls({"patches": saving_facts(found.savings)}, [head, *saving_lines(found.savings)])

    def add_state(self, state: dict[str, object], folder: Path) -> None:
        self.facts.update(state)
        self.lines.append(state_line(state, folder))

    def add_bundle(self, repository: Repository, patches: PatchSet, path: Path | None) -> None:
        """Write the bundle and tell of it, if one is wanted and the patches are published."""
        if path is None or not self.facts["published"]:
            return
        entry = catalogue.find(repository, patches.version, patches.product, published=True)
        export.write(repository, entry, path, base_version=patches.base_version)
        size_bytes = path.stat().st_size
        self.facts.update({"file": str(path), "bytes": size_bytes})
        self.lines.append(f"  {path}: {human(size_bytes)}")


@click.command("apply")
@click.argument("old", metavar="OLD.img", type=FILE)
@click.argument("patch_path", metavar="PATCH", type=FILE)
@click.option("-o", "--output", "new", type=FILE, required=True, help="The image to write.")
@JSON
@click.pass_obj
def apply(output: Output, *, old: Path, patch_path: Path, new: Path, as_json: bool) -> None:
    r"""Make the new file from the old one and a patch between files.

    \b
    Example:
      edge bundle apply OLD.img P -o NEW.img
    """
    output.as_json |= as_json
    for file in (old, patch_path):
        _require(file)
    with atomic.file(new) as target:
        patch_file.apply_file(old, patch_path, target)
    size_bytes = new.stat().st_size
    output.result({"file": str(new), "bytes": size_bytes}, f"{new}: {human(size_bytes)}")


def _between_files(
    output: Output, old: Path, new: Path, path: Path | None, *, dry_run: bool
) -> None:
    for file in (old, new):
        _require(file)
    if path is None and not dry_run:
        raise InputError("where shall the patch go?", hint="add -o FILE, or --dry-run")
    made = delta.make(old, new, progress=output)
    size_bytes = made.stored_bytes
    if path is not None and not dry_run:
        delta.write_file(made, path)
        size_bytes = path.stat().st_size
    share = 100 * size_bytes / max(new.stat().st_size, 1)
    head = f"{path}: " if path else ""
    facts = {"file": str(path) if path else None, "bytes": size_bytes}
    output.result(facts, f"{head}{human(size_bytes)}, {share:.2f} % of {new}")


def _require(file: Path) -> None:
    if not file.is_file():
        raise ThingNotFoundError(f"{file}: no such file")
