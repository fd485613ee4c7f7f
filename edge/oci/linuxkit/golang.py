"""JSON as Go's `json.MarshalIndent` writes it, and what `omitempty` leaves out.

LinuxKit is a Go program; files that are the same byte for byte make an exchange of one for the
other show no change.

Source: Go 1.24, encoding/json (encode.go, indent.go).
"""

import json
from typing import Any

_TABLE = str.maketrans({letter: f"\\u{ord(letter):04x}" for letter in "<>&\u2028\u2029"})


def marshal(document: dict[str, Any]) -> bytes:
    """Return a document, keys in its own order, indented by four."""
    text = json.dumps(document, indent=4, ensure_ascii=False)
    return text.translate(_TABLE).encode("utf-8", "surrogateescape")


def without_empty(values: dict[str, Any]) -> dict[str, Any]:
    """Return what is left of a mapping without empty and missing values, zeros and False."""
    return {key: value for key, value in values.items() if value not in (None, "", 0, [], {}, ())}


def sorted_map(values: dict[str, str]) -> dict[str, str]:
    """Return a mapping in the order in which Go writes one."""
    return dict(sorted(values.items()))
