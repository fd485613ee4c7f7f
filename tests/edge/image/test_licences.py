"""Debian's copyright files as SPDX expressions."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.debian import copyright as debian_copyright
from edge.debian.copyright import Copyright
from edge.image.licences import declared

FORMAT = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n"
# SPDX 2.3, annex D, without the list of names.
NAME = r"[A-Za-z0-9][A-Za-z0-9.-]*"
EXPRESSION = re.compile(rf"\(*{NAME}\)*( (AND|OR) \(*{NAME}\)*)*")


@pytest.mark.parametrize(
    ("written", "expression"),
    [
        ("GPL-2", "GPL-2.0-only"),
        ("GPL-2+", "GPL-2.0-or-later"),
        ("LGPL-2.1+", "LGPL-2.1-or-later"),
        ("Expat", "MIT"),
        ("BSD-3-clause", "BSD-3-Clause"),
        ("GPL-1+ or Artistic", "GPL-1.0-or-later OR Artistic-1.0-Perl"),
        ("GPL-2+ or Artistic, and BSD-3-clause",
         "(GPL-2.0-or-later OR Artistic-1.0-Perl) AND BSD-3-Clause"),
        ("GPL-3+ with autoconf exception",
         "LicenseRef-tool-GPL-3-or-later-with-autoconf-exception"),
        ("public-domain", "LicenseRef-tool-public-domain"),
    ],
)  # fmt: skip
def test_a_name_of_debian_becomes_an_expression(written: str, expression: str) -> None:
    assert declared("tool", Copyright((written,), {})).expression == expression


def test_all_licences_are_joined_and_own_texts_are_kept() -> None:
    text = (
        f"{FORMAT}\nFiles: *\nLicense: GPL-2+ or Expat\n\nFiles: doc/*\nLicense: Odd\n"
        "\nLicense: Odd\n First line.\n .\n Last line.\n"
    )
    found = debian_copyright.parse(text.encode())
    assert found is not None

    made = declared("libodd+", found)

    assert made.expression == "(GPL-2.0-or-later OR MIT) AND LicenseRef-libodd-Odd"
    assert made.texts == {"LicenseRef-libodd-Odd": "First line.\n\nLast line."}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "This package was debianized by hand.\n",
        f"{FORMAT}\nFiles: *\nCopyright: me\n",
        "Format: http://example.org/\n\nFiles: *\nLicense: GPL-2\n",
    ],
)
def test_a_file_for_people_says_nothing(text: str) -> None:
    assert debian_copyright.parse(text.encode()) is None


@given(st.binary() | st.text().map(lambda text: f"{FORMAT}\nFiles: *\nLicense: {text}".encode()))
def test_any_file_gives_a_valid_expression_or_nothing(data: bytes) -> None:
    found = debian_copyright.parse(data)

    if found is not None:
        assert EXPRESSION.fullmatch(declared("any", found).expression)
