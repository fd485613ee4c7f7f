"""Small images in an OCI layout on disk, named as LinuxKit's cache names them."""

import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.fakes.image_parts import Layout

LAYER = "application/vnd.oci.image.layer.v1.tar"


def tar_of(entries: Mapping[str, bytes | str | None]) -> bytes:
    """Return a tar: bytes are files, text is what a link points to, None is a folder."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, value in entries.items():
            header = tarfile.TarInfo(name)
            header.mode = 0o755
            if value is None:
                header.type = tarfile.DIRTYPE
            elif isinstance(value, str):
                header.type, header.linkname = tarfile.SYMTYPE, value
            else:
                header.size = len(value)
            archive.addfile(header, io.BytesIO(value if isinstance(value, bytes) else b""))
    return stream.getvalue()


class StubImages:
    """A layout folder that a test fills."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._layout = Layout(folder)

    def add(
        self,
        name: str,
        entries: Mapping[str, bytes | str | None],
        *,
        label: Mapping[str, Any] | None = None,
        **config: Any,
    ) -> None:
        """Add an image of one layer; `label` is what LinuxKit reads, `config` is docker's."""
        if label is not None:
            config["Labels"] = {"org.mobyproject.config": json.dumps(label)}
        self._layout.add(name, [(LAYER, tar_of(entries))], **config)
