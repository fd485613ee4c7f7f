"""Service folders: what `service.yml` says an image is made of, and how it runs.

A built-in service is a folder in `device-agent/services`; `init` is one too, of its own place.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edge import paths
from edge.errors import InputError, Problem, ProblemsError
from edge.strict.document import Parsed, parse, read_text
from edge.strict.model import examine
from edge.strict.text import suggestion
from edge.strict.wording import shown
from edge.system.content import inputs_digest
from edge.system.merge import settings_of
from edge.system.packaging import Packaging, ServiceFile
from edge.system.settings import Settings

SERVICE_FILE = "service.yml"
INIT = "init"


@dataclass(frozen=True, slots=True)
class ServiceFolder:
    """A service folder that was read; `path` is absolute."""

    path: Path
    name: str
    packaging: Packaging
    settings: Settings

    def source(self, relative: str) -> Path:
        """Return the path on the host of a source that the service file names."""
        return self.path / relative


def builtin_folders() -> Mapping[str, Path]:
    """Return the folder of each service that ships with Edge, by name."""
    services = paths.shipped("device-agent/services")
    found = {path.parent.name: path.parent for path in sorted(services.glob(f"*/{SERVICE_FILE}"))}
    return {INIT: paths.shipped("device-agent/init"), **found}


def find(name_or_path: str, base_folder: Path) -> ServiceFolder:
    """Return a service folder: a built-in one by name, any other by a path with a '/'.

    Args:
        name_or_path: As `service:` says it.
        base_folder: Where a relative path begins: the folder of the system file.

    Raises:
        InputError: There is no such service, with the nearest name as hint.
        ProblemsError: Its service.yml is wrong.
    """
    return read_service(locate(name_or_path, base_folder))


def locate(name_or_path: str, base_folder: Path) -> Path:
    """Return the absolute path of a service folder.

    Raises:
        InputError: There is none.
    """
    if "/" not in name_or_path:
        return _builtin(name_or_path, base_folder)
    folder = (base_folder / Path(name_or_path).expanduser()).absolute()
    if not (folder / SERVICE_FILE).is_file():
        raise InputError(
            f"{shown(name_or_path)} holds no {SERVICE_FILE}",
            hint=f"a service is a folder with a {SERVICE_FILE}",
        )
    return folder.resolve()


def read_service(folder: Path) -> ServiceFolder:
    """Return a service folder.

    Raises:
        ProblemsError: All that is wrong in its service.yml, files that are not there included.
        ThingNotFoundError: There is no service.yml.
    """
    file = folder / SERVICE_FILE
    parsed = parse(read_text(file), str(file))
    value, problems = examine(ServiceFile, parsed)
    if value is None:
        raise ProblemsError(problems)
    missing = _missing_sources(value, folder, parsed)
    if problems or missing:
        raise ProblemsError([*problems, *missing])
    names = Packaging.model_fields.keys() & value.model_fields_set
    packaging = Packaging.model_construct(
        _fields_set=set(names), **{name: getattr(value, name) for name in names}
    )
    return ServiceFolder(folder, folder.name, packaging, settings_of(value))


def content_key(folder: ServiceFolder) -> str:
    """Return the digest of all that the image is made of, packages excepted.

    Raises:
        InputError: A file that the service names cannot be read.
    """
    return inputs_digest(folder.path / SERVICE_FILE, folder.packaging)


def _builtin(name: str, base_folder: Path) -> Path:
    folders = builtin_folders()
    if name in folders:
        return folders[name]
    hint = suggestion(name, folders, what="built-in services")
    if (base_folder / name / SERVICE_FILE).is_file():
        hint = f"write './{name}' for the folder beside the system file"
    raise InputError(f"there is no built-in service {name!r}", hint=hint)


def _missing_sources(value: ServiceFile, folder: Path, parsed: Parsed) -> list[Problem]:
    named: list[tuple[tuple[str | int, ...], str]] = [
        (("files", index, "source"), entry.source)
        for index, entry in enumerate(value.files)
        if entry.source is not None
    ]
    for index, program in enumerate(value.build.c):
        for place, source in enumerate(program.sources):
            named.append((("build", "c", index, "sources", place), source))
    return [
        parsed.problem(path, f"{source!r} is not there", hint=f"paths begin in {folder}")
        for path, source in named
        if not (folder / source).exists()
    ]
