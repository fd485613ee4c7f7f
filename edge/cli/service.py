"""`edge service`: the services that ship with Edge, and service images for others."""

from pathlib import Path

import click

from edge import paths
from edge.cli.options import JSON
from edge.cli.output import Output
from edge.cli.registry_options import with_policy, with_registries
from edge.cli.sections import LazyGroup
from edge.errors import InputError
from edge.image import services
from edge.image.build import default_store
from edge.image.failures import told
from edge.image.inputs import LockPolicy
from edge.oci import export
from edge.oci.image import Image
from edge.oci.limit_setting import chosen
from edge.oci.origin import bring, resolve
from edge.oci.registry.endpoint import Registries
from edge.oci.registry.push import Pusher
from edge.oci.registry.registry import RegistryOrigin
from edge.oci.stored import stored_image
from edge.system.reference import LocalReference, parse_reference, registry_reference
from edge.system.service import INIT, ServiceFolder, builtin_folders, locate, read_service

_OUTPUT = click.option(
    "-o", "--output", "target", metavar="oci:DIR|oci-archive:FILE", help="Write it there as well."
)


@click.group(cls=LazyGroup)
def service() -> None:
    r"""List services; build, push and pull their images.

    \b
    Examples:
      edge service list
      edge service build ./web
    """


@service.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_obj
def list_services(output: Output, *, as_json: bool) -> None:
    r"""List the built-in services; a system file takes one with `- service: NAME`.

    A service of your own is a folder with a service.yml: `- service: ./NAME`.

    \b
    Example:
      edge service list
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


@service.command("build")
@click.argument("name", metavar="FOLDER|NAME")
@_OUTPUT
@with_policy
@JSON
@click.pass_obj
def build(
    output: Output, *, name: str, target: str | None, policy: LockPolicy, as_json: bool
) -> None:
    r"""Build the image of one service, tagged with the hash of its content.

    Its packages are pinned in edge.lock of its folder; those of a built-in one in NAME.edge.lock
    here.

    \b
    Examples:
      edge service build ./web -o oci-archive:web.tar
      edge service build sshd -o oci:images/sshd
    """
    output.as_json |= as_json
    image = _built(output, name, policy)
    _write(image, target)
    _tell(output, image, f"{image.name}:{image.tag}")


@service.command("push")
@click.argument("name", metavar="FOLDER|NAME")
@click.argument("repository", metavar="HOST/REPOSITORY[:TAG]")
@with_policy
@JSON
@click.pass_obj
def push(output: Output, *, name: str, repository: str, policy: LockPolicy, as_json: bool) -> None:
    r"""Build the image of one service and push it to a registry.

    It is tagged with the hash of its content, and with TAG if there is one. The login is that of
    `docker login` or `podman login`.

    \b
    Examples:
      edge service push ./web registry.example.com/team/web
      edge service push ./web localhost:5000/web:1.2
    """
    output.as_json |= as_json
    where = registry_reference(repository)
    if where.digest is not None:
        raise InputError(f"{repository}: a digest is not to be chosen", hint="write a tag, or none")
    image = _built(output, name, policy)
    is_tagged = ":" in repository.rpartition("/")[2]
    tags = (image.tag, where.tag) if is_tagged and where.tag else (image.tag,)
    Pusher(where, policy.registries, default_store()).push(image.manifest, tags, output)
    _tell(output, image, f"{where.name}:{tags[-1]}@{image.manifest}")


@service.command("pull")
@click.argument("reference", metavar="IMAGE")
@_OUTPUT
@with_registries
@JSON
@click.pass_obj
def pull(
    output: Output, *, reference: str, target: str | None, registries: Registries, as_json: bool
) -> None:
    r"""Pull an image for arm64 into the content store, and check that it can be used.

    \b
    Examples:
      edge service pull docker.io/library/redis:7
      edge service pull localhost:5000/web:1.2 -o oci-archive:web.tar
    """
    output.as_json |= as_json
    store, named = default_store(), registry_reference(reference)
    origin = RegistryOrigin(named, registries, limits=chosen(), progress=output)
    with told(paths.cache_folder()):
        pin = resolve(origin, store, limits=chosen())
        bring(pin, origin.name, origin, store, output, limits=chosen())
        image = stored_image(origin.name, pin.manifest, store, output, limits=chosen())
    _write(image, target)
    _tell(output, image, f"{named.name}@{image.manifest}")


def _built(output: Output, name: str, policy: LockPolicy) -> Image:
    folder = read_service(locate(name, Path.cwd()))
    with told(paths.cache_folder()):
        return services.built(folder, policy, default_store(), output)


def _write(image: Image, target: str | None) -> None:
    if target is None:
        return
    where = parse_reference(target, Path.cwd())
    if not isinstance(where, LocalReference):
        raise InputError(
            f"-o {target}: not on this machine", hint="write oci:DIR or oci-archive:FILE"
        )
    with told(where.path):
        export.write_image(where, f"{image.name}:{image.tag}", image.manifest, default_store())


def _tell(output: Output, image: Image, reference: str) -> None:
    facts = {
        "reference": reference,
        "manifest": image.manifest,
        "tag": image.tag,
        "files": len(image.tree),
        "bytes": image.tree.size_bytes(),
    }
    output.result(facts, reference)
