"""Read system files, appended to one system, with all services found and every mistake reported.

Source: docs/yaml.md of LinuxKit for how several files append: fields of the kernel override, lists
concatenate, and a service name may be there once.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from edge.errors import EdgeError, Problem, ProblemsError
from edge.strict.document import Node, Parsed, Step, parse, read_text
from edge.strict.model import examine, validated
from edge.system import service
from edge.system.check import check_graph, check_section
from edge.system.files import SystemFile
from edge.system.merge import merge_settings
from edge.system.model import LOCAL, LOCAL_IMAGES, InitImage, Item, Kernel, RootFs, System
from edge.system.order import start_order
from edge.system.parts import Part, Section, Written
from edge.system.service import ServiceFolder
from edge.system.settings import Settings

STDIN = "-"
_Fields = TypeVar("_Fields", Kernel, RootFs)
_DEFAULT_INIT = f"init: ['{LOCAL}{service.INIT}']"


@dataclass(frozen=True, slots=True)
class LoadedSystem:
    """A system whose services were found.

    Attributes:
        system: All files as one; names and paths are filled in, relative ones are absolute.
        order: The names of the services in the order in which they start.
    """

    system: System
    init: tuple[Part, ...]
    onboot: tuple[Part, ...]
    onshutdown: tuple[Part, ...]
    services: tuple[Part, ...]
    order: tuple[str, ...]

    @property
    def parts(self) -> tuple[Part, ...]:
        """All parts, in the order in which LinuxKit reads them."""
        return self.init + self.onboot + self.onshutdown + self.services


def load_system(
    files: Sequence[Path | str], *, read_stdin: Callable[[], str] = sys.stdin.read
) -> System:
    """Return the system of one or more files; see `load`."""
    return load(files, read_stdin=read_stdin).system


def load(
    files: Sequence[Path | str], *, read_stdin: Callable[[], str] = sys.stdin.read
) -> LoadedSystem:
    """Return the system of one or more files, appended in this order, and its parts.

    Args:
        files: Paths; "-" reads the standard input, whose relative paths begin in the work folder.
        read_stdin: Gives the text of the standard input.

    Raises:
        ProblemsError: All that is wrong in the files, and in the service.yml of their services.
        ThingNotFoundError: A file is not there.
    """
    reader = _Reader()
    for file in files:
        if str(file) == STDIN:
            reader.read("<stdin>", read_stdin(), Path.cwd())
        else:
            reader.read(str(file), read_text(Path(file)), Path(file).parent.absolute())
    return reader.finish()


@dataclass(slots=True)
class _Reader:
    problems: list[Problem] = field(default_factory=list)
    written: list[Written] = field(default_factory=list)
    kernel: Kernel = field(default_factory=Kernel)
    rootfs: RootFs = field(default_factory=RootFs)
    files: list[SystemFile] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    _folders: dict[Path, ServiceFolder | None] = field(default_factory=dict)

    def read(self, name: str, text: str, base: Path) -> None:
        """Add one file; relative paths in it begin in `base`."""
        parsed = parse(text, name)
        system, problems = examine(System, parsed)
        self.problems += problems
        for section in Section:
            self._section(section, parsed, base)
        files = parsed.root.child("files")
        for step, _ in files.children() if files is not None else ():
            entry, _ = validated(SystemFile, parsed, ("files", step))
            if entry is not None:
                self._file(entry, parsed, step, base)
        if system is not None:
            self.kernel = _overridden(self.kernel, system.kernel)
            self.rootfs = _overridden(self.rootfs, system.rootfs)

    def finish(self) -> LoadedSystem:
        """Return the whole, or raise all problems of all files."""
        if not any(one.part.section is Section.INIT for one in self.written):
            self._section(Section.INIT, parse(_DEFAULT_INIT, "<default>"), Path.cwd())
        self.problems += check_graph(self.written, self.names)
        if self.problems:
            raise ProblemsError(_by_place(self.problems))
        services = self._parts(Section.SERVICES)
        return LoadedSystem(
            system=self._system(),
            init=self._parts(Section.INIT),
            onboot=self._parts(Section.ONBOOT),
            onshutdown=self._parts(Section.ONSHUTDOWN),
            services=services,
            order=start_order({part.name: part.settings.depends_on for part in services}),
        )

    def _section(self, section: Section, parsed: Parsed, base: Path) -> None:
        listed = parsed.root.child(section)
        for step, node in listed.children() if listed is not None else ():
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
        wanted = _service_of(entry)
        folder = self._folder(wanted, parsed, path, base) if wanted else None
        if wanted and folder is None:
            return
        settings, name = Settings(), section.value
        if isinstance(entry, Item):
            self.problems += check_section(entry, section, parsed, path)
            settings = merge_settings(folder.settings if folder else settings, entry)
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
        if entry.source is not None:
            source = base / Path(entry.source).expanduser()
            if not source.is_file():
                if not entry.optional:
                    path = ("files", index, "source")
                    hint = "write `optional: true` if it may be missing"
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
            files=tuple(self.files),
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
    elif entry.image is not None and entry.image.startswith(LOCAL_IMAGES):
        kind, _colon, path = entry.image.partition(":")
        changes["image"] = f"{kind}:{base / Path(path).expanduser()}"
    return entry.model_copy(update=changes)


def _likely_names(node: Node) -> set[str]:
    """Return what an entry may be called, even if it has mistakes."""
    for key in ("name", "service"):
        named = node.child(key)
        if named is not None and isinstance(named.value, str):
            return {named.value.rstrip("/").rpartition("/")[2]}
    return set()


def _overridden(base: _Fields, over: _Fields) -> _Fields:
    return base.model_copy(update={name: getattr(over, name) for name in over.model_fields_set})


def _by_place(problems: Sequence[Problem]) -> list[Problem]:
    """Return the problems file by file, in the order of the lines, none twice."""
    files = list(dict.fromkeys(problem.file for problem in problems))
    once = dict.fromkeys(problems)
    return sorted(once, key=lambda one: (files.index(one.file), one.line, one.column))
