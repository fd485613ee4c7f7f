"""`edge service`: the services that ship with Edge."""

import click

from edge.cli.output import Output
from edge.system.service import INIT, ServiceFolder, builtin_folders, read_service


@click.group()
def service() -> None:
    """Look at the services that ship with Edge."""


@service.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_obj
def list_services(output: Output, *, as_json: bool) -> None:
    r"""List the built-in services; a system file takes one with `- service: NAME`.

    A service of your own is a folder with a service.yml: `- service: ./NAME`.
    """
    output.as_json |= as_json
    found = [read_service(folder) for name, folder in builtin_folders().items() if name != INIT]
    facts = [
        {
            "name": one.name,
            "description": one.packaging.description,
            "packages": list(one.packaging.packages),
            "folder": str(one.path),
        }
        for one in found
    ]
    output.result({"services": facts}, "\n".join(_lines(found)))


def _lines(found: list[ServiceFolder]) -> list[str]:
    width = max((len(one.name) for one in found), default=0)
    return [f"{one.name:{width}}  {one.packaging.description}" for one in found]
