"""Names of a repository's files: the three folders of one, and nothing that could be misread."""

import re
from typing import Final

from edge_signing.errors import FormatError

# Neither a file system nor a server could take one for something else.
FILE: Final = re.compile(
    r"metadata/[A-Za-z0-9][A-Za-z0-9._-]{0,127}"
    r"|targets/(?:[A-Za-z0-9][A-Za-z0-9._+~-]{0,255}/){2}[A-Za-z0-9][A-Za-z0-9._+~-]{0,255}"
    r"|blobs/[0-9a-f]{64}"
)


def check_file(name: str) -> str:
    """Return the name of a repository's file as it is.

    Raises:
        FormatError: No such file can be.
    """
    if not FILE.fullmatch(name):
        raise FormatError(f"{name!r} can not be a file of a repository")
    return name
