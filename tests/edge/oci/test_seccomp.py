import re
import socket
from typing import Any

import pytest

from edge import toolbox
from edge.oci.seccomp import BY_CAPABILITY, CALLS, profile

# Of the tool tree, on hosts of either architecture.
HEADERS = (
    "usr/aarch64-linux-gnu/include/asm-generic/unistd.h",
    "usr/include/asm-generic/unistd.h",
)
NEVER = """
add_key keyctl request_key userfaultfd io_uring_setup io_uring_enter io_uring_register kexec_load
kexec_file_load lookup_dcookie nfsservctl memfd_secret
""".split()  # noqa: SIM905 - as a list of words it can be read
FREE_ONLY_BY_CAPABILITY = """
mount umount2 pivot_root setns unshare bpf ptrace init_module finit_module delete_module reboot
clock_settime settimeofday adjtimex swapon swapoff syslog acct chroot perf_event_open
open_by_handle_at fsopen move_mount process_vm_readv
""".split()  # noqa: SIM905 - as a list of words it can be read


def allowed(*capabilities: str) -> set[str]:
    rules = profile(capabilities)["syscalls"]
    return {name for rule in rules if _plain(rule) for name in rule["names"]}


def _plain(rule: dict[str, Any]) -> bool:
    return rule["action"] == "SCMP_ACT_ALLOW" and "args" not in rule


def test_no_capability_frees_what_no_service_needs() -> None:
    assert not allowed(*BY_CAPABILITY) & set(NEVER)


def test_dangerous_calls_need_a_capability() -> None:
    assert not allowed() & set(FREE_ONLY_BY_CAPABILITY)
    assert set(FREE_ONLY_BY_CAPABILITY) <= allowed(*BY_CAPABILITY)


@pytest.mark.parametrize("capability", BY_CAPABILITY)
def test_a_capability_brings_its_calls_and_no_others(capability: str) -> None:
    clone = {"clone", "clone3"} if capability == "CAP_SYS_ADMIN" else set()

    assert allowed(capability) - allowed() == {*BY_CAPABILITY[capability], *clone}


def test_clone3_looks_missing_so_that_libc_falls_back_to_clone() -> None:
    rules = {name: rule for rule in profile(())["syscalls"] for name in rule["names"]}

    assert rules["clone3"] == {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}
    (condition,) = rules["clone"]["args"]
    assert condition["op"] == "SCMP_CMP_MASKED_EQ"
    assert condition["value"] == 0x7E020000  # as in the profiles of other engines
    assert condition["valueTwo"] == 0


def test_only_sockets_of_known_families_can_be_made() -> None:
    rules = [rule for rule in profile(())["syscalls"] if "socket" in rule["names"]]

    conditions = [condition for rule in rules for condition in rule["args"]]
    assert {one["op"] for one in conditions} == {"SCMP_CMP_MASKED_EQ"}
    assert {one["value"] for one in conditions} == {0xFFFF_FFFF}  # the kernel sees 32 bits
    families = {one["valueTwo"] for one in conditions}
    assert {socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK} <= families
    vsock, algorithms, tipc, rds = 40, 38, 30, 21
    assert not {vsock, algorithms, tipc, rds} & families


def test_each_call_is_named_once_for_each_rule() -> None:
    for rule in profile(("CAP_SYS_ADMIN", "CAP_BPF", "CAP_PERFMON"))["syscalls"]:
        assert len(rule["names"]) == len(set(rule["names"]))


def test_refused_calls_give_eperm_on_arm64() -> None:
    made = profile(())

    assert made["defaultErrnoRet"] == 1
    assert made["architectures"] == ["SCMP_ARCH_AARCH64"]


@pytest.mark.tools
def test_all_names_are_calls_of_the_kernel() -> None:
    # arm64 has the generic table, which has old names for some calls.
    root = toolbox.install() / "root"
    (header,) = [root / path for path in HEADERS if (root / path).is_file()]
    known = set(re.findall(r"__NR(?:3264)?_(\w+)", header.read_text())) | {"newfstatat"}

    named = {*CALLS, *(name for names in BY_CAPABILITY.values() for name in names)}

    assert named <= known
