"""The libraries that updates are built on; loading all of them proves the image is complete."""

import importlib

NAMES = (
    "construct",
    "cryptography",
    "cryptography.hazmat.primitives.asymmetric.ed25519",
    "http.client",
    "lzma",
    "paho.mqtt.client",
    "ssl",
    "tuf.ngclient",
    "zstandard",
)


def versions() -> dict[str, str]:
    """Import each library and return its version, empty where it names none."""
    return {name: str(getattr(importlib.import_module(name), "__version__", "")) for name in NAMES}
