"""`edge release add`: a build becomes a release of a repository."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import click

from edge.bundle.levels import LEVELS, Level
from edge.cli import ask, clock, trusted
from edge.cli.options import JSON, KEYS, PASSPHRASE
from edge.cli.output import Output
from edge.cli.publishing import settled, state_line
from edge.cli.release_options import REPO
from edge.cli.savings import saving_facts, saving_lines
from edge.cli.table import human
from edge.errors import InputError, RefusedError, ThingNotFoundError
from edge.keys.ring import Ring
from edge.keys.secrets import Secrets
from edge.release import accompanying, adding, source
from edge.release.adding import Added
from edge.release.payloads import Terms
from edge.release.source import Source
from edge.repository.repository import Repository
from edge_signing.release import Release


@click.command("add")
@click.argument("build", type=click.Path(path_type=Path, file_okay=False))
@click.option("--service", help="One service that is updated in place; else the whole system.")
@click.option("--no-services", is_flag=True, help="The system, and none of its services.")
@click.option("--version", "version", help="Of the release; else that of the build.")
@REPO
@KEYS
@click.option("--product", help="Else the name of the system.")
@click.option("--board", "boards", multiple=True, help="Who may install it; else the build's.")
@click.option("--counter", type=click.IntRange(0), help="Raise the rollback counter to this.")
@click.option("--from-counter", type=click.IntRange(0), default=0, help="Lowest to update from.")
@click.option("--notes", default="", help="What is new, for people.")
@click.option("--patches-from", default="last:0", help="How many releases get a patch: last:3.")
@click.option(
    "--level", type=click.Choice(LEVELS), default="release", show_default=True, help="Compression."
)
@click.option(
    "--chunks/--no-chunks", "with_chunks", default=True, help="For devices with any old version."
)
@click.option("--no-sign", is_flag=True, help="Only write what is to be signed.")
@PASSPHRASE
@JSON
@click.pass_obj
def add(
    output: Output,
    *,
    build: Path,
    service: str | None,
    no_services: bool,
    version: str | None,
    folder: Path,
    keys_folder: Path | None,
    product: str | None,
    boards: tuple[str, ...],
    counter: int | None,
    from_counter: int,
    notes: str,
    patches_from: str,
    level: Level,
    with_chunks: bool,
    no_sign: bool,
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    r"""Add the build in the folder BUILD as a release.

    With that of a system come those of its services that are updated in place, unless they are
    there: a console then knows them where they run as the system brought them.

    The repository is made if there is none. What is to be signed goes to its folder "pending"; it
    is signed with the keys here and, if they suffice, published. Else: edge sign, release publish.

    \b
    Examples:
      edge release add out/ --version 1.2.0 --repo repo/
      edge release add out/ --version 1.2.1 --repo repo/ --patches-from last:3
      edge release add out/ --version 2.0.0 --repo repo/ --counter 1 --no-sign
      edge release add out/ --service web --version 1.2.0 --repo repo/
    """
    output.as_json |= as_json
    ring = trusted.key_ring(keys_folder)
    secrets = ask.secrets_from(passphrase_file)
    repository = _opened_or_made(folder, ring, secrets)
    terms = Terms(product, version, boards, counter, from_counter, notes)
    work = _Work(output, repository, ring, level, _last(patches_from), with_chunks)
    beside = [] if no_services or service else accompanying.services(repository, build, terms)
    with _source(build, service) as found:
        added = [work.add(found, terms)]
    # The counter of the system is one of the product by now, so that none is below it.
    added += [work.add(one, replace(terms, counter=None)) for one in beside]
    state = settled(repository, ring, secrets, sign=not no_sign)
    _tell(output, added, state, folder)


@dataclass(frozen=True, slots=True)
class _Work:
    """How releases are added, all of them alike."""

    output: Output
    repository: Repository
    ring: Ring
    level: Level
    patches_from: int
    with_chunks: bool

    def add(self, found: Source, terms: Terms) -> Added:
        """Stage one."""
        return adding.add(
            *(self.repository, self.ring, found, terms),
            now=clock.now(),
            level=self.level,
            patches_from=self.patches_from,
            with_chunks=self.with_chunks,
            progress=self.output,
        )


@contextmanager
def _source(build: Path, service: str | None) -> Iterator[Source]:
    """Give the images of a build: of the whole system, or of one service."""
    if service is not None:
        yield source.of_service(build, service)
        return
    with source.of_build(build) as found:
        yield found


def _tell(output: Output, added: Sequence[Added], state: dict[str, object], folder: Path) -> None:
    first, *services = [_facts(one) for one in added]
    lines = [line for one in added for line in _lines(one)]
    text = "\n".join([*lines, state_line(state, folder)])
    output.result({**first, "services": services, **state}, text)


def _facts(added: Added) -> dict[str, object]:
    made = added.release
    return {
        "product": made.product,
        "version": made.version,
        "counter": made.counter,
        "payloads": _full(made),
        "patches": saving_facts(added.savings),
    }


def _lines(added: Added) -> list[str]:
    made = added.release
    full_bytes = sum(_full(made).values())
    head = f"{made.product} {made.version}: full payloads {human(full_bytes)}"
    return [head, *saving_lines(added.savings)]


def _full(made: Release) -> dict[str, int]:
    return {one.partition: one.total_bytes for one in made.payloads if one.kind == "full"}


def _opened_or_made(folder: Path, ring: Ring, secrets: Secrets) -> Repository:
    """Return the repository in a folder, made if there is none."""
    try:
        return Repository.open(folder)
    except ThingNotFoundError:
        if folder.is_dir() and any(folder.iterdir()):
            raise RefusedError(
                f"{folder}: neither empty nor a repository", hint="give another with --repo"
            ) from None
        return Repository.create(folder, ring, now=clock.of_wall(), ask=secrets)


def _last(text: str) -> int:
    word, _colon, number = text.partition(":")
    if word != "last" or not number.isdecimal():
        raise InputError(f"--patches-from {text!r} is not last:NUMBER", hint="like last:3")
    return int(number)
