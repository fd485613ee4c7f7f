"""Follow a chain of roots from one that is trusted to the newest.

Source: TUF specification 1.0.31, §5.3.
"""

import itertools
import re
from collections.abc import Mapping
from typing import Final

from tuf.api.metadata import Metadata, Root

from edge_signing.errors import FormatError, TrustError
from edge_signing.trust import documents, signatures
from edge_signing.trust.names import ROOT

NAME: Final = re.compile(r"([1-9][0-9]{0,8})\.root\.json")


def file_name(version: int) -> str:
    """Return the name of the file of a root."""
    return f"{version}.root.json"


def trusted(data: bytes, place: str = "trusted root") -> Metadata[Root]:
    """Return a root that is trusted because of where it lies.

    Raises:
        FormatError: It is no root.
        TrustError: It is not signed by its own keys.
    """
    root = documents.read(data, Root, place)
    # Signatures by the keys of its predecessor are there too, and can not be checked here.
    signatures.check_threshold(root.signed, ROOT, root, place)
    return root


def follow(trusted_root: bytes, chain: Mapping[str, bytes]) -> bytes:
    """Return the newest root that the trusted one leads to; its expiry is not looked at.

    Args:
        trusted_root: The bytes of a root that is trusted.
        chain: Roots by file name, without gaps; older ones than the trusted may be among them.

    Raises:
        FormatError: One is no root, or has a name of another version.
        TrustError: A version is missing or not signed by the thresholds of its predecessor and of
            itself, or the root of the trusted one's version is another.
    """
    start = trusted(trusted_root)
    roots = _in_order(chain)
    for root in roots[:1]:
        trusted(chain[file_name(root.signed.version)], file_name(root.signed.version))
    for earlier, later in itertools.pairwise(roots):
        _verify_next(earlier.signed, later)
    newest, data = start.signed, trusted_root
    for root in roots:
        name = file_name(root.signed.version)
        if root.signed.version == start.signed.version and chain[name] != trusted_root:
            raise TrustError(f"{name}: not the root that is trusted")
        if root.signed.version > newest.version:
            _verify_next(newest, root)
            newest, data = root.signed, chain[name]
    return data


def verify_next(root: Root, data: bytes) -> Metadata[Root]:
    """Return the root that follows `root`.

    Raises:
        FormatError: It is no root.
        TrustError: It is not the next version, or not signed by both thresholds.
    """
    successor = documents.read(data, Root, file_name(root.version + 1))
    _verify_next(root, successor)
    return successor


def _verify_next(root: Root, successor: Metadata[Root]) -> None:
    place = file_name(successor.signed.version)
    if successor.signed.version != root.version + 1:
        raise TrustError(f"{place}: does not follow root {root.version}")
    signatures.verify((root, successor.signed), ROOT, successor, place)


def _in_order(chain: Mapping[str, bytes]) -> list[Metadata[Root]]:
    roots = []
    for name, data in chain.items():
        match = NAME.fullmatch(name)
        if match is None:
            raise FormatError(f"{name!r} is no name of a root")
        root = documents.read(data, Root, name)
        if root.signed.version != int(match[1]):
            raise TrustError(f"{name}: holds version {root.signed.version}")
        roots.append(root)
    return sorted(roots, key=lambda root: root.signed.version)
