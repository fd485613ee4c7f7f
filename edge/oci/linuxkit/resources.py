"""The control group of a container in the words of the OCI runtime spec, as LinuxKit writes it.

Source: OCI runtime spec 1.2.1, config-linux.md.
"""

from typing import Any

from edge.oci.spec import PERIOD_US, device_rule
from edge.system.resources import Device, Resources
from edge.system.settings import Limits, Settings

_RENAMED = {"blockio": "blockIO"}
_ACCESS = "rwm"


def resources(settings: Settings) -> dict[str, Any]:
    """Return what the settings say of the control group; Edge's `limits` go over `resources`."""
    given = settings.resources or Resources()
    written = given.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude_none=True)
    found = {_RENAMED.get(key, key): value for key, value in written.items()}
    rules = [{"allow": False} | rule for rule in found.pop("devices", ())]
    rules += [_rule(device) for device in settings.devices if device.type != "p"]
    found = {"devices": rules} | found if rules else found
    if settings.limits is not None:
        _limit(found, settings.limits)
    return {key: value for key, value in found.items() if value not in ([], {})}


def _limit(found: dict[str, Any], limits: Limits) -> None:
    if limits.memory_mib is not None:
        found.setdefault("memory", {})["limit"] = limits.memory_mib << 20
    if limits.pids is not None:
        found["pids"] = {"limit": limits.pids}
    if limits.cpu_percent is not None:
        quota_us = limits.cpu_percent * PERIOD_US // 100
        found.setdefault("cpu", {}).update(quota=quota_us, period=PERIOD_US)


def _rule(device: Device) -> dict[str, Any]:
    if device.node_mode is None and device.path != "all":
        return device_rule(device)
    kind = {"type": device.type} if device.type else {}
    if device.path == "all":
        return {"allow": True, **kind, "access": _ACCESS}
    numbers = {"major": device.major or 0, "minor": device.minor or 0}
    return {"allow": True, **kind, **numbers, "access": _ACCESS}
