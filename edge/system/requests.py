"""What a loaded system asks of the package archive, item by item."""

from collections.abc import Iterable

from edge.errors import InputError
from edge.system.lock import Request
from edge.system.parts import Part
from edge.system.service import ServiceFolder


def service_requests(parts: Iterable[Part]) -> dict[str, Request]:
    """Return the request of each service folder by `service/NAME`; one folder asks once.

    Raises:
        InputError: Two folders of one name are used; their images could not be told apart.
    """
    folders: dict[str, ServiceFolder] = {}
    for part in parts:
        if part.folder is None:
            continue
        other = folders.setdefault(part.folder.name, part.folder)
        if other.path != part.folder.path:
            raise InputError(
                f"two service folders are called {other.name!r}: {other.path}, {part.folder.path}",
                hint="rename one of them",
            )
    return {
        f"service/{name}": Request(folder.packaging.packages, folder.packaging.without)
        for name, folder in sorted(folders.items())
    }
