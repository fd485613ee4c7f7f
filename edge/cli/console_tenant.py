"""`edge console tenant`: somebody else who has devices, releases and keys of his own."""

from datetime import UTC, datetime
from pathlib import Path

import click

from edge.cli import trusted
from edge.cli.console_backup import DATABASE, FOLDER
from edge.cli.console_options import JSON
from edge.cli.output import Output
from edge.cli.sections import LazyGroup
from edge.errors import ThingNotFoundError


@click.group(cls=LazyGroup)
def tenant() -> None:
    r"""Let several use one console, each with devices, releases, keys and people of his own.

    \b
    Examples:
      edge console tenant add acme --keys acme-keys/ --factory-ca acme-ca.crt
      edge console tenant list
    """


@tenant.command("add")
@click.argument("name")
@FOLDER
@DATABASE
@click.option(
    "--keys",
    "keys_folder",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="The key ring whose online keys sign for it.",
)
@click.option(
    "--factory-ca",
    "authorities",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Certificate of the authority of its devices; may be repeated.",
)
@JSON
@click.pass_obj
def add(
    output: Output,
    *,
    name: str,
    folder: Path,
    database_url: str,
    keys_folder: Path,
    authorities: tuple[Path, ...],
    as_json: bool,
) -> None:
    r"""Make a tenant and its first token, where the console's folder is.

    The console serves it from its next start on.

    \b
    Example:
      edge console tenant add acme --keys acme-keys/ --factory-ca acme-ca.crt
    """
    from edge.console import founding
    from edge.console.devices.certificates import authority
    from edge.console.site import Site

    output.as_json |= as_json
    site = Site(folder.absolute())
    if not site.certificate.is_file():
        raise ThingNotFoundError(f"{folder}: no console is here", hint="edge console serve")
    ring = trusted.key_ring(keys_folder).folder.absolute()
    known = []
    for one in authorities:
        if not one.is_file():
            raise ThingNotFoundError(f"{one}: no such file")
        known.append(authority(one.read_bytes(), str(one)))
    now_s = int(datetime.now(UTC).timestamp())
    token = founding.add_tenant(site, database_url, name, str(ring), known, now_s=now_s)
    text = f"{name}: its first token is in {token}; it is served from the next start on"
    output.result({"tenant": name, "token_file": str(token)}, text)


@tenant.command("list")
@FOLDER
@DATABASE
@JSON
@click.pass_obj
def list_tenants(output: Output, *, folder: Path, database_url: str, as_json: bool) -> None:
    r"""List the tenants of the console of a folder.

    \b
    Example:
      edge console tenant list --dir console/
    """
    from edge.console import founding
    from edge.console.site import Site

    output.as_json |= as_json
    if not folder.is_dir():
        raise ThingNotFoundError(f"{folder}: no console is here")
    found = founding.tenants_of(Site(folder.absolute()), database_url)
    facts = [{"tenant": one.tenant, "keys": one.keys_folder} for one in found]
    lines = [f"{one.tenant}  {one.keys_folder}" for one in found]
    output.result({"tenants": facts}, "\n".join(lines))
