"""Read system files, appended to one system, with all services found and every mistake reported.

What a file includes comes before its own. The rule for several files is that of LinuxKit's
docs/yaml.md: fields of the kernel override, lists concatenate, and the name of a service or volume
may be there once.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edge.errors import EdgeError, InputError, Problem, ProblemsError
from edge.strict.document import Node, Parsed, Step, parse, read_text
from edge.strict.model import examine, validated
from edge.system import service
from edge.system.check import check_graph, check_section, check_templates, check_volumes
from edge.system.defaults import Defaults
from edge.system.files import SystemFile
from edge.system.include import Chain, Includer
from edge.system.merge import merge_settings, settings_of
from edge.system.metadata import Document, filled
from edge.system.model import InitImage, Item, Kernel, RootFs, System
from edge.system.order import start_order
from edge.system.parts import LISTS, Part, Section, Written, volume_part
from edge.system.reference import LOCAL, placed
from edge.system.service import ServiceFolder
from edge.system.settings import Settings
from edge.system.volumes import Volume

STDIN = "-"
_DEFAULT_INIT = f"init: ['{LOCAL}{service.INIT}']"


@dataclass(frozen=True, slots=True)
class LoadedSystem:
    """A system whose services were found.

    Attributes:
        system: All files as one; names and paths are filled in, relative ones are absolute.
        kernel: Where the kernel comes from, if that is an image.
        volumes: Those that an image fills.
        order: The names of the services in the order in which they start.
        defaults: Whose defaults hold where it says nothing.
    """

    system: System
    kernel: tuple[Part, ...]
    init: tuple[Part, ...]
    volumes: tuple[Part, ...]
    onboot: tuple[Part, ...]
    onshutdown: tuple[Part, ...]
    services: tuple[Part, ...]
    order: tuple[str, ...]
    defaults: Defaults = Defaults.EDGE

    @property
    def parts(self) -> tuple[Part, ...]:
        """All parts, in the order in which LinuxKit reads them."""
        runs = self.onboot + self.onshutdown + self.services
        return self.kernel + self.init + self.volumes + runs


def load(
    files: Sequence[Path | str],
    *,
    defaults: Defaults = Defaults.EDGE,
    read_stdin: Callable[[], str] = sys.stdin.read,
) -> LoadedSystem:
    """Return the system of one or more files, appended in this order, and its parts.

    Args:
        files: Paths; "-" reads the standard input, whose relative paths begin in the work folder.
        defaults: Whose defaults hold: with Edge's, init is Edge's where none is listed.
        read_stdin: Gives the text of the standard input.

    Raises:
        ProblemsError: All that is wrong in the files, and in the service.yml of their services.
        InputError: A file is an address.
        ThingNotFoundError: A file is not there.
    """
    reader = _Reader()
    for file in files:
        if str(file) == STDIN:
            reader.read("<stdin>", read_stdin(), Path.cwd())
        elif str(file).startswith(("http://", "https://")):
            raise InputError(f"{file}: system files are not fetched", hint="fetch it first")
        else:
            path = Path(file)
            reader.read(str(file), read_text(path), path.parent.absolute(), Chain.of(path))
    return reader.finish(defaults)


@dataclass(slots=True)
class _Reader:
    problems: list[Problem] = field(default_factory=list)
    written: list[Written] = field(default_factory=list)
    kernel: Kernel = field(default_factory=Kernel)
    rootfs: RootFs = field(default_factory=RootFs)
    files: list[SystemFile] = field(default_factory=list)
    volumes: list[Volume] = field(default_factory=list)
    document: Document = field(default_factory=Document)
    names: set[str] = field(default_factory=set)
    _kernel: Part | None = None
    _kernel_image: str | None = None  # as it was written
    _kernel_places: dict[str, tuple[Parsed, tuple[Step, ...]]] = field(default_factory=dict)
    _parts_of_volumes: list[Part] = field(default_factory=list)
    _includer: Includer = field(default_factory=Includer)
    _folders: dict[Path, ServiceFolder | None] = field(default_factory=dict)

    def read(self, name: str, text: str, base: Path, chain: Chain | None = None) -> None:
        """Add one file, after those that it includes; relative paths in it begin in `base`."""
        parsed = parse(text, name, may_be_empty=True)
        system, problems = examine(System, parsed)
        self.problems += [*problems, *check_templates(parsed)]
        for found in self._includer.files(parsed, base, chain or Chain(), self.problems):
            self.read(found.name, found.text, found.base, found.chain)
        for section in LISTS:
            self._section(section, parsed, base)
        for step, _ in _children(parsed, "volumes"):
            volume, _ = validated(Volume, parsed, ("volumes", step))
            if volume is not None:
                self._volume(volume, parsed, ("volumes", step), base)
        for step, _ in _children(parsed, "files"):
            entry, _ = validated(SystemFile, parsed, ("files", step))
            if entry is not None:
                self._file(entry, parsed, step, base)
        if system is not None:
            self._override_kernel(system.kernel, parsed, base)
            changes = {
                name: getattr(system.rootfs, name) for name in system.rootfs.model_fields_set
            }
            self.rootfs = self.rootfs.model_copy(update=changes)

    def finish(self, defaults: Defaults) -> LoadedSystem:
        """Return the whole, or raise all problems of all files."""
        has_init = any(one.part.section is Section.INIT for one in self.written)
        if defaults is Defaults.EDGE and not has_init:
            self._section(Section.INIT, parse(_DEFAULT_INIT, "<default>"), Path.cwd())
        self.problems += check_graph(self.written, self.names)
        if defaults is Defaults.EDGE:
            self.problems += self._kernel_problems()
        self.problems += check_volumes(self.written, {one.name: one for one in self.volumes})
        if self.problems:
            raise ProblemsError(_by_place(self.problems))
        services = self._parts(Section.SERVICES)
        self.document.set_kernel(self.kernel, self._kernel_image)
        self.document.set_rootfs(self.rootfs)
        return LoadedSystem(
            system=self._system(),
            kernel=(self._kernel,) if self._kernel else (),
            init=self._parts(Section.INIT),
            volumes=tuple(self._parts_of_volumes),
            onboot=self._parts(Section.ONBOOT),
            onshutdown=self._parts(Section.ONSHUTDOWN),
            services=services,
            order=start_order({part.name: part.settings.waits_for for part in services}),
            defaults=defaults,
        )

    def _override_kernel(self, over: Kernel, parsed: Parsed, base: Path) -> None:
        if over.image is not None:
            part = self._filling(Section.KERNEL, "kernel", over.image, parsed, ("kernel",), base)
            self._kernel, self._kernel_image = part, over.image
            over = over.model_copy(update={"image": placed(over.image, base)})
        elif over.package is not None:
            self._kernel, self._kernel_image = None, None
        self.kernel = _overridden(self.kernel, over)
        self._kernel_places |= {key: (parsed, ("kernel", key)) for key in over.model_fields_set}

    def _kernel_problems(self) -> Iterator[Problem]:
        """Give a problem for each key about the image of a kernel where there is none."""
        for key in ("binary", "tar", "ucode"):
            if getattr(self.kernel, key) and self.kernel.image is None:
                parsed, path = self._kernel_places[key]
                yield parsed.problem(path, f"{key!r} is a file of `kernel.image`", key=True)

    def _volume(self, volume: Volume, parsed: Parsed, path: tuple[Step, ...], base: Path) -> None:
        if any(other.name == volume.name for other in self.volumes):
            message = f"two volumes are called {volume.name!r}"
            self.problems.append(parsed.problem((*path, "name"), message))
            return
        self.document.add_volume(volume)
        if volume.image is not None:
            name = volume_part(volume)
            part = self._filling(Section.VOLUMES, name, volume.image, parsed, path, base)
            self._parts_of_volumes += [part] if part else []
            volume = volume.model_copy(update={"image": placed(volume.image, base)})
        self.volumes.append(volume)

    def _filling(
        self,
        section: Section,
        name: str,
        image: str,
        parsed: Parsed,
        path: tuple[Step, ...],
        base: Path,
    ) -> Part | None:
        """Return the part of an image that is no container; None if its folder is wrong."""
        if not image.startswith(LOCAL):
            return Part(section, name, Settings(), None, placed(image, base))
        folder = self._folder(image.removeprefix(LOCAL), parsed, path, base)
        return Part(section, name, folder.settings, folder) if folder else None

    def _section(self, section: Section, parsed: Parsed, base: Path) -> None:
        for step, node in _children(parsed, section.value):
            path = (section.value, step)
            entry = _entry(section, parsed, path, node)
            if section is Section.SERVICES:
                self.names |= _likely_names(node)
            if entry is not None:
                self._entry(entry, section, parsed, path, base)

    def _entry(
        self,
        entry: Item | InitImage,
        section: Section,
        parsed: Parsed,
        path: tuple[Step, ...],
        base: Path,
    ) -> None:
        self.document.add(section, entry)
        wanted = _service_of(entry)
        folder = self._folder(wanted, parsed, path, base) if wanted else None
        if wanted and folder is None:
            return
        settings, name = Settings(), section.value
        if isinstance(entry, Item):
            base_settings = folder.settings if folder else settings
            self.problems += check_section(entry, base_settings, section, parsed, path)
            # The label of an image comes below: what is appended to it is not known yet.
            settings = merge_settings(folder.settings, entry) if folder else settings_of(entry)
            name = entry.name or (folder.name if folder else name)
        elif folder is not None:
            name = folder.name
        entry = _settled(entry, name, folder, base)
        part = Part(section, name, settings, folder, None if folder else entry.image)
        self.written.append(Written(part, entry, parsed, path))
        if section is Section.SERVICES:
            self.names.add(name)

    def _folder(
        self, wanted: str, parsed: Parsed, path: tuple[Step, ...], base: Path
    ) -> ServiceFolder | None:
        place: Path | None = None
        try:
            place = service.locate(wanted, base)
            if place not in self._folders:
                self._folders[place] = None
                self._folders[place] = service.read_service(place)
        except ProblemsError as error:
            self.problems += error.problems
        except EdgeError as error:
            at = parsed.root
            for step in path:
                at = at.child(step) or at
            keys = [key for key in ("service", "image") if key in at.keys]
            self.problems.append(parsed.problem((*path, *keys[:1]), str(error), hint=error.hint))
        return self._folders.get(place) if place is not None else None

    def _file(self, entry: SystemFile, parsed: Parsed, index: Step, base: Path) -> None:
        self.document.add_file(entry, written=_text(parsed, ("files", index, "path")))
        if entry.source is not None:
            source = base / Path(entry.source).expanduser()
            if not source.is_file():
                if not entry.optional:
                    path = ("files", index, "source")
                    hint = "write `optional: true` if it may be missing"
                    if Path(entry.source).is_file():
                        hint = "paths begin in the folder of this file, not in the work folder"
                    missing = f"there is no file {entry.source!r}"
                    self.problems.append(parsed.problem(path, missing, hint=hint))
                return
            entry = entry.model_copy(update={"source": str(source)})
        self.files.append(entry)

    def _parts(self, section: Section) -> tuple[Part, ...]:
        return tuple(one.part for one in self.written if one.part.section is section)

    def _items(self, section: Section) -> tuple[Item, ...]:
        here = (one.entry for one in self.written if one.part.section is section)
        return tuple(entry for entry in here if isinstance(entry, Item))

    def _system(self) -> System:
        entries = (one.entry for one in self.written)
        return System(
            kernel=self.kernel,
            rootfs=self.rootfs,
            init=tuple(entry for entry in entries if isinstance(entry, InitImage)),
            onboot=self._items(Section.ONBOOT),
            onshutdown=self._items(Section.ONSHUTDOWN),
            services=self._items(Section.SERVICES),
            volumes=tuple(self.volumes),
            files=filled(tuple(self.files), self.document),
        )


def _entry(
    section: Section, parsed: Parsed, path: tuple[Step, ...], node: Node
) -> Item | InitImage | None:
    if section is not Section.INIT:
        return validated(Item, parsed, path)[0]
    if isinstance(node.value, str):
        return next(iter(_valid_text(node.value)), None)
    return validated(InitImage, parsed, path)[0]


def _valid_text(text: str) -> Iterator[InitImage]:
    shown = Parsed("", Node({"image": Node(text, 1, 1)}, 1, 1))
    image, _ = validated(InitImage, shown, ())
    if image is not None:
        yield image


def _children(parsed: Parsed, key: str) -> Iterator[tuple[Step, Node]]:
    listed = parsed.root.child(key)
    return listed.children() if listed is not None else iter(())


def _text(parsed: Parsed, path: tuple[Step, ...]) -> str:
    """Return the text at a path, as it was written."""
    node: Node | None = parsed.root
    for step in path:
        node = node.child(step) if node is not None else None
    return str(node.value) if node is not None else ""


def _service_of(entry: Item | InitImage) -> str | None:
    if entry.image is not None and entry.image.startswith(LOCAL):
        return entry.image.removeprefix(LOCAL)
    return entry.service


def _settled(
    entry: Item | InitImage, name: str, folder: ServiceFolder | None, base: Path
) -> Item | InitImage:
    """Return the entry with its name, and with the place of its folder or of its layout."""
    changes: dict[str, object] = {"name": name} if isinstance(entry, Item) else {}
    if folder is not None:
        changes |= {"service": str(folder.path), "image": None}
    elif entry.image is not None:
        changes["image"] = placed(entry.image, base)
    return entry.model_copy(update=changes)


def _likely_names(node: Node) -> set[str]:
    """Return what an entry may be called, even if it has mistakes."""
    for key in ("name", "service"):
        named = node.child(key)
        if named is not None and isinstance(named.value, str):
            return {named.value.rstrip("/").rpartition("/")[2]}
    return set()


def _overridden(base: Kernel, over: Kernel) -> Kernel:
    """Return a kernel with what another file says of it; where it comes from is one thing."""
    changes = {name: getattr(over, name) for name in over.model_fields_set}
    for name in ("image", "binary", "cmdline"):
        if not changes.get(name, "written"):
            del changes[name]
    if "package" in changes:
        changes = {"image": None, "binary": None, "tar": None, "ucode": None} | changes
    elif "image" in changes:
        changes = {"package": None} | changes
    return base.model_copy(update=changes)


def _by_place(problems: Sequence[Problem]) -> list[Problem]:
    """Return the problems file by file, in the order of the lines, none twice."""
    files = list(dict.fromkeys(problem.file for problem in problems))
    once = dict.fromkeys(problems)
    return sorted(once, key=lambda one: (files.index(one.file), one.line, one.column))
