"""Read `debian/copyright` where it is written for machines: which licences its files have.

Source: "Machine-readable debian/copyright file", version 1.0 (DEP-5).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_FORMAT = re.compile(r"https?://(www\.)?debian\.org/doc/packaging-manuals/copyright-format/1\.0/?")


@dataclass(frozen=True, slots=True)
class Copyright:
    """The licences of a package in Debian's words.

    Attributes:
        licences: What its files have, each once: a short name, or several joined by and, or, comma.
        texts: The whole text of each licence whose text is in the file, by short name.
    """

    licences: tuple[str, ...]
    texts: Mapping[str, str]


def parse(data: bytes) -> Copyright | None:
    """Return what a copyright file says, or None where it is for people only."""
    paragraphs = list(_paragraphs(data.decode(errors="replace")))
    if not paragraphs or not _FORMAT.fullmatch(paragraphs[0].get("format", "").strip()):
        return None
    licences: dict[str, None] = {}
    texts: dict[str, str] = {}
    for paragraph in paragraphs:
        name, _, text = paragraph.get("license", "").partition("\n")
        name = " ".join(name.split())
        if not name:
            continue
        if "files" in paragraph:
            licences[name] = None
        if text.strip():
            texts.setdefault(name, text)
    return Copyright(tuple(licences), texts) if licences else None


def _paragraphs(text: str) -> Iterator[dict[str, str]]:
    """Give the fields of each paragraph, names in small letters; `.` stands for an empty line."""
    fields: dict[str, str] = {}
    key = ""
    for line in (*text.splitlines(), ""):
        if not line.strip():
            if fields:
                yield fields
            fields, key = {}, ""
        elif line[0] in " \t":
            stripped = line.strip()
            fields[key] = f"{fields.get(key, '')}\n{'' if stripped == '.' else stripped}"
        elif not line.startswith("#"):
            key, _, value = line.partition(":")
            key = key.strip().lower()
            fields[key] = value.strip()
