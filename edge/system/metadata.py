"""The whole system as one document: what `metadata: yaml` and `json` write into a file.

Keys and their order are LinuxKit's, then those that only Edge knows; names of images are complete;
sources are as they were written, so that nothing of the building machine is told.

Source: what LinuxKit writes for its own examples.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from edge.system.files import SystemFile
from edge.system.model import InitImage, Item, Kernel, RootFs
from edge.system.reference import complete
from edge.system.volumes import Volume
from edge.system.yaml_text import yaml_text

_KERNEL = ("image", "cmdline", "binary", "tar", "ucode", "package", "modules")
_FIRST = (
    *("name", "image", "service", "capabilities", "capabilities.add", "ambient", "mounts"),
    *("binds", "binds.add", "devices", "tmpfs", "command", "env", "cwd", "net", "pid", "ipc"),
    *("uts", "userns", "hostname", "readonly", "maskedPaths", "readonlyPaths", "uid", "gid"),
    *("additionalGids", "noNewPrivileges", "oomScoreAdj", "rootfsPropagation", "cgroupsPath"),
    *("resources", "sysctl", "rlimits", "uidMappings", "gidMappings", "annotations", "runtime"),
)


@dataclass(slots=True)
class Document:
    """The document, entry by entry as files are read."""

    kernel: dict[str, Any] = field(default_factory=dict)
    rootfs: dict[str, Any] = field(default_factory=dict)
    init: list[Any] = field(default_factory=list)
    onboot: list[Any] = field(default_factory=list)
    onshutdown: list[Any] = field(default_factory=list)
    services: list[Any] = field(default_factory=list)
    files: list[Any] = field(default_factory=list)
    volumes: list[Any] = field(default_factory=list)

    def set_kernel(self, kernel: Kernel, image: str | None) -> None:
        """Take over what all files together say of the kernel, and its image as it was written."""
        values = kernel.model_dump(mode="json", by_alias=True, exclude_none=True)
        values["image"] = complete(image or "")
        self.kernel = {key: values[key] for key in _KERNEL if values.get(key, []) != []}
        if not kernel.hardening:
            self.kernel["hardening"] = False

    def set_rootfs(self, rootfs: RootFs) -> None:
        """Take over what all files together say of the root, if they say anything."""
        self.rootfs = rootfs.model_dump(mode="json", exclude_none=True)

    def add(self, section: str, entry: InitImage | Item) -> None:
        """Append an entry of a section, as it was written."""
        values = entry.model_dump(mode="json", by_alias=True, exclude_unset=True)
        if entry.image is not None:
            values["image"] = complete(entry.image)
        if isinstance(entry, InitImage):
            self.init.append(values.get("image") or values)
            return
        keys = [*(key for key in _FIRST if key in values), *(k for k in values if k not in _FIRST)]
        getattr(self, section).append({key: values[key] for key in keys})

    def add_volume(self, volume: Volume) -> None:
        """Append a volume, as it was written."""
        values = volume.model_dump(mode="json", exclude_unset=True, exclude_none=True)
        keys = ("name", "image", "readonly", "format", "platforms", "persistent")
        self.volumes.append({key: values[key] for key in keys if values.get(key)})

    def add_file(self, entry: SystemFile, written: str) -> None:
        """Append a file, as it was written; `written` is its path before it was made clean."""
        mode = None if entry.mode is None else f"{entry.mode:04o}"
        values: dict[str, Any] = {
            "path": written,
            "directory": entry.directory,
            "symlink": entry.symlink,
            "contents": entry.contents,
            "source": entry.source,
            "metadata": entry.metadata,
            "optional": entry.optional,
            "mode": mode,
            "uid": entry.uid or None,
            "gid": entry.gid or None,
        }
        self.files.append({key: value for key, value in values.items() if value is not None})

    def text(self, form: str) -> str:
        """Return the document as `yaml` or `json`."""
        lists = ("init", "onboot", "onshutdown", "services", "files", "volumes")
        whole = {"kernel": self.kernel} | {key: getattr(self, key) for key in lists}
        if self.rootfs:
            whole["rootfs"] = self.rootfs
        if form == "json":
            filled = {key: value or None for key, value in whole.items()}
            return json.dumps(filled, indent=4, ensure_ascii=False)
        return yaml_text(whole)


def filled(files: tuple[SystemFile, ...], document: Document) -> tuple[SystemFile, ...]:
    """Return files of which those with `metadata` have the document as their contents."""
    return tuple(
        entry.model_copy(update={"contents": document.text(entry.metadata), "metadata": None})
        if entry.metadata
        else entry
        for entry in files
    )
