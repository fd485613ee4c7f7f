"""Which protections the kernel of a build has on: from its configuration, command line, sysctls."""

from edge.hardening import kernel as hardening
from edge.hardening import protections
from edge.hardening.protection import Finding
from edge.oci.kernel_image import NO_VERSION
from edge.oci.modules import Kernel
from edge.oci.tree import Tree

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
