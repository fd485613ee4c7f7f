"""The JSON schema of device.yml."""

from typing import Any

from edge.flash.customise.model import Device
from edge.strict.schema import schema_of


def schema() -> dict[str, Any]:
    """Return the JSON schema of device.yml."""
    return schema_of(Device, "device.yml of Edge")
