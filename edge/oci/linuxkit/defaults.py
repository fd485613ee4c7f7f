"""Settings with LinuxKit's defaults written out, for what does not know whose defaults hold."""

from collections.abc import Mapping, Sequence

from edge.oci.assemble import Container
from edge.oci.linuxkit.spec import numbers
from edge.oci.spec import User
from edge.oci.users import Users
from edge.system.settings import Seccomp, Settings

_DEFAULTS: Mapping[str, object] = {
    "uid": 0,
    "gid": 0,
    "readonly": False,
    "net": "root",
    "ipc": "root",
    "uts": "root",
    "cgroupns": "root",
    "masked_paths": (),
    "readonly_paths": (),
    "no_new_privileges": False,
    "seccomp": Seccomp.UNCONFINED,
}


def with_defaults(settings: Settings) -> Settings:
    """Return settings in which LinuxKit's defaults are written where nothing was."""
    missing = {
        name: value
        for name, value in _DEFAULTS.items()
        if name not in settings.model_fields_set or getattr(settings, name) is None
    }
    return settings.model_copy(update=missing)


def people(containers: Sequence[Container], uids: Mapping[str, int]) -> Users:
    """Return the users that containers run as: root, where nobody wrote another."""
    found = {}
    for one in containers:
        uid, gid, groups = numbers(one.name, one.settings, uids)
        found[one.name] = User(uid, gid, groups)
    return Users(found)
