"""The root of a system without one built-in service has no trace of it."""

from pathlib import Path, PurePosixPath

import pytest

from edge.oci.assemble import Container, Release, Root, assemble
from edge.oci.image import Image
from edge.oci.own_files import add_own_file
from edge.oci.spec import ImageConfig
from edge.oci.tree import Kind, Tree, file
from edge.system.files import SystemFile
from edge.system.parts import Section
from edge.system.service import INIT, ServiceFolder, find
from tests.edge.system.builtin import BUILTIN, NEEDED_FILES, SECTIONS

# Handed out by init, which reads them itself; the folder `log` of a service is the supervisor's.
OF_INIT = ("etc/edge/agent.json", "etc/edge/network.conf", "usr/lib/edge/service/log")
RELEASE = Release("x", "1", "x")


def image(folder: ServiceFolder) -> Image:
    """Return the image of a service without its packages, its programs empty."""
    tree = Tree()
    for program in folder.packaging.build.c:
        tree.add(program.output, file(b"", mode=0o755))
    for wanted in folder.packaging.files:
        add_own_file(wanted, folder.path, tree)
    return Image(folder.name, f"sha256:{'0' * 64}", ImageConfig(), folder.settings, tree)


def root_of(names: list[str]) -> Root:
    """Return the root with these built-in services, each in its section."""
    containers = [
        Container(section, name, made, made.settings)
        for name in names
        for made in [image(find(name, Path()))]
        for section in SECTIONS.get(name, (Section.SERVICES,))
    ]
    needed = [path for path, owner in NEEDED_FILES.items() if owner in names]
    files = [SystemFile(path=path, contents="x") for path in needed]
    return assemble(containers, [image(find(INIT, Path()))], RELEASE, files=files)


def traces(root: Root, name: str) -> list[str]:
    """Return the paths that are called after a service, and the lists of init that name it."""
    found = []
    for path, entry in root.tree:
        parts = PurePosixPath(path).parts
        own = parts[:-1] if parts[:2] == ("containers",) and len(parts) > 3 else parts
        named = any(part.split(".")[0].lstrip("0123456789-") == name for part in own[:4])
        is_supervisor = parts[:3] == ("etc", "edge", "services") and parts[4:5] == ("log",)
        if named and not is_supervisor and path not in OF_INIT:
            found.append(path)
        if path in ("etc/edge/order", "etc/edge/versions") and entry.kind is Kind.FILE:
            words = entry.read().decode().split()
            found += [path] if name in words else []
    return found


@pytest.mark.parametrize("name", BUILTIN)
def test_a_root_without_a_service_has_no_trace_of_it(name: str) -> None:
    assert traces(root_of([other for other in BUILTIN if other != name]), name) == []
    assert traces(root_of([name]), name) != []


def test_only_ports_of_services_that_are_there_are_open() -> None:
    assert root_of(["network", "firewall"]).tree.get("etc/edge/ports") == file(b"")
    assert root_of(["sshd", "firewall"]).tree.get("etc/edge/ports") == file(b"tcp 22\n")


def test_settings_of_the_system_take_the_place_of_those_of_a_service() -> None:
    without, own = image(find("log", Path())), SystemFile(path="etc/edge/log.conf", contents="x")

    spec = {}
    for files in ([], [own]):
        container = Container(Section.SERVICES, "log", without, without.settings)
        root = assemble([container], [image(find(INIT, Path()))], RELEASE, files=files)
        entry = root.tree.get("containers/services/log/config.json")
        assert entry is not None
        spec[len(files)] = b"/etc/edge/log.conf" in entry.read()

    assert spec == {0: False, 1: True}
