"""Which protections the kernel of a build has on: from its configuration, command line, sysctls."""

from collections.abc import Iterable, Sequence
from typing import Final

from edge.errors import InputError
from edge.hardening import kernel as hardening
from edge.hardening import protections
from edge.hardening.protection import Finding, Standing
from edge.oci.kernel_image import NO_VERSION
from edge.oci.modules import Kernel
from edge.oci.report import Privileges
from edge.oci.tree import Tree

# What edge-confine needs (device-agent/init/src/confine.c).
LANDLOCK_OF_FILES: Final = (6, 2)
LANDLOCK_OF_PORTS: Final = (6, 7)
_PORTS: Final = {"bind", "connect"}
SYSCTLS = "usr/lib/edge/sysctl"  # what init writes at the start


def of(kernel: Kernel | None, command_line: str, root: Tree) -> tuple[Finding, ...]:
    """Return what there is to say of each protection; nothing without a kernel of some version."""
    if kernel is None or kernel.version == NO_VERSION:
        return ()
    config, sysctls = kernel.config(), root.get(SYSCTLS)
    release = kernel.version
    return protections.findings(
        hardening.Kernel(
            hardening.read_version(release),
            hardening.read_config(config.decode(), f"config of {release}") if config else None,
            hardening.read_parameters(command_line),
            hardening.read_sysctls(sysctls.read().decode() if sysctls else ""),
        )
    )


def require_landlock(
    release: str, findings: Sequence[Finding], containers: Iterable[Privileges]
) -> None:
    """Refuse a kernel on which a container that Landlock holds would not start.

    Args:
        release: Of the kernel.
        findings: What `of` returned; nothing is known of Landlock where it is not among them.
        containers: What they may do.

    Raises:
        InputError: The kernel has no Landlock, or one that is too old.
    """
    off = any(
        one.protection == protections.LANDLOCK and one.standing is Standing.OFF for one in findings
    )
    for one in containers:
        needed = LANDLOCK_OF_PORTS if _PORTS & {*one.landlock} else LANDLOCK_OF_FILES
        old = bool(findings) and hardening.read_version(release) < needed
        if one.landlock and (off or old):
            what = f"is older than {needed[0]}.{needed[1]}" if old else "has no Landlock"
            hint = f"take another kernel, or write `landlock: {{enabled: false}}` for {one.name}"
            raise InputError(f"{one.name}: landlock: kernel {release} {what}", hint=hint)
