"""The default filter of system calls: what ordinary programs need on arm64, and nothing else.

An allow-list of our own. Not in it, whatever the user id: mounting, loading kernels and modules,
tracing, BPF, io_uring, keyrings, user faults, new namespaces, rare kinds of sockets, swap, quotas,
the clock, reboot. A capability that a service was given brings the calls that are of no use without
it.
A refused call gives EPERM; clone3 gives ENOSYS, because its flags cannot be looked at and libc
then falls back to clone, whose flags can. Other calls that are newer than this list give EPERM,
as libseccomp 2.6 of the device cannot tell new from forbidden either.
"""

from collections.abc import Collection
from errno import ENOSYS, EPERM
from typing import Any

ARCHITECTURE = "SCMP_ARCH_AARCH64"

# CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET (Linux, uapi/linux/sched.h).
NAMESPACE_FLAGS = (
    0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000
)
# Personalities that only change what uname tells or the layout of memory is left out of, and
# 0xffffffff, which asks (Linux, uapi/linux/personality.h).
PERSONALITIES = (0x0, 0x0008, 0x20000, 0x20008, 0xFFFFFFFF)
# AF_UNIX, INET, INET6, NETLINK, PACKET, CAN, BLUETOOTH, IEEE802154, QIPCRTR (Linux,
# include/linux/socket.h). Others are old, rare or reach the hypervisor, and were often broken.
FAMILIES = (1, 2, 10, 16, 17, 29, 31, 36, 42)
# The kernel reads such an argument as 32 bits; a program may set the others as it likes.
INT_MASK = 0xFFFF_FFFF

_ALWAYS = """
accept accept4 bind connect getpeername getsockname getsockopt listen recvfrom recvmmsg recvmsg
sendmmsg sendmsg sendto setsockopt shutdown socketpair

read readv pread64 preadv preadv2 write writev pwrite64 pwritev pwritev2 lseek sendfile splice tee
vmsplice copy_file_range readahead fadvise64 fsync fdatasync sync syncfs sync_file_range
ftruncate truncate fallocate close close_range dup dup3 fcntl flock ioctl pipe2

openat openat2 faccessat faccessat2 fstat newfstatat statx statfs fstatfs getdents64 readlinkat
getcwd chdir fchdir fchmod fchmodat fchmodat2 fchown fchownat utimensat umask mkdirat mknodat
unlinkat symlinkat linkat renameat renameat2 cachestat
getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr setxattr lsetxattr fsetxattr
removexattr lremovexattr fremovexattr name_to_handle_at
inotify_init1 inotify_add_watch inotify_rm_watch

epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 ppoll pselect6 eventfd2 signalfd4
timerfd_create timerfd_gettime timerfd_settime
io_setup io_submit io_cancel io_destroy io_getevents io_pgetevents

brk mmap munmap mprotect mremap madvise process_madvise msync mincore mlock mlock2 mlockall munlock
munlockall mseal pkey_alloc pkey_free pkey_mprotect memfd_create membarrier rseq
remap_file_pages map_shadow_stack

execve execveat exit exit_group wait4 waitid kill tkill tgkill rt_sigaction rt_sigpending
rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo
restart_syscall sigaltstack pidfd_open pidfd_send_signal process_mrelease
futex futex_wait futex_wake futex_requeue futex_waitv get_robust_list set_robust_list
set_tid_address gettid getpid getppid getpgid setpgid getsid setsid
sched_yield sched_getaffinity sched_setaffinity sched_getattr sched_setattr sched_getparam
sched_setparam sched_getscheduler sched_setscheduler sched_get_priority_max
sched_get_priority_min sched_rr_get_interval getpriority setpriority ioprio_get ioprio_set getcpu

getuid geteuid getgid getegid getresuid getresgid getgroups setuid setgid setreuid setregid
setresuid setresgid setgroups setfsuid setfsgid capget capset prctl seccomp
landlock_create_ruleset landlock_add_rule landlock_restrict_self

clock_getres clock_gettime clock_nanosleep nanosleep gettimeofday times getitimer setitimer
timer_create timer_delete timer_getoverrun timer_gettime timer_settime
getrandom getrlimit setrlimit prlimit64 getrusage sysinfo uname

mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr
semget semop semctl semtimedop msgget msgsnd msgrcv msgctl shmget shmat shmdt shmctl
"""
CALLS = tuple(sorted(_ALWAYS.split()))

# What a capability makes useful. CAP_SYS_ADMIN is nearly root: it also frees clone's flags.
BY_CAPABILITY = {
    "CAP_BPF": ("bpf",),
    "CAP_CHECKPOINT_RESTORE": ("kcmp",),
    "CAP_DAC_READ_SEARCH": ("open_by_handle_at",),
    "CAP_PERFMON": ("perf_event_open",),
    "CAP_SYS_ADMIN": (
        *("mount", "umount2", "pivot_root", "mount_setattr", "move_mount", "open_tree"),
        *("fsconfig", "fsmount", "fsopen", "fspick", "setns", "unshare", "listmount", "statmount"),
        *("sethostname", "setdomainname", "quotactl", "quotactl_fd", "fanotify_init"),
        *("fanotify_mark", "swapon", "swapoff", "bpf", "perf_event_open", "syslog"),
    ),
    "CAP_SYS_BOOT": ("reboot",),
    "CAP_SYS_CHROOT": ("chroot",),
    "CAP_SYS_MODULE": ("init_module", "finit_module", "delete_module"),
    "CAP_SYS_NICE": ("get_mempolicy", "set_mempolicy", "mbind", "set_mempolicy_home_node"),
    "CAP_SYS_PACCT": ("acct",),
    "CAP_SYS_PTRACE": ("ptrace", "process_vm_readv", "process_vm_writev", "kcmp", "pidfd_getfd"),
    "CAP_SYS_TIME": ("clock_settime", "settimeofday", "adjtimex", "clock_adjtime"),
    "CAP_SYS_TTY_CONFIG": ("vhangup",),
    "CAP_SYSLOG": ("syslog",),
}


def profile(capabilities: Collection[str]) -> dict[str, Any]:
    """Return `linux.seccomp` of the OCI runtime spec for a service with these capabilities."""
    extra = {name for cap in capabilities for name in BY_CAPABILITY.get(cap, ())}
    rules = [_allow(sorted({*CALLS, *extra}))]
    rules += [_equal_int("socket", family) for family in FAMILIES]
    rules += [_equal("personality", value) for value in PERSONALITIES]
    if "CAP_SYS_ADMIN" in capabilities:
        rules.append(_allow(["clone", "clone3"]))
    else:
        rules += [_clone_without_namespaces(), _missing("clone3")]
    return {
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": EPERM,
        "architectures": [ARCHITECTURE],
        "syscalls": rules,
    }


def _allow(names: list[str]) -> dict[str, Any]:
    return {"names": names, "action": "SCMP_ACT_ALLOW"}


def _allow_if(name: str, **condition: int | str) -> dict[str, Any]:
    return {"names": [name], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, **condition}]}


def _equal(name: str, value: int) -> dict[str, Any]:
    return _allow_if(name, value=value, op="SCMP_CMP_EQ")


def _equal_int(name: str, value: int) -> dict[str, Any]:
    return _allow_if(name, value=INT_MASK, valueTwo=value, op="SCMP_CMP_MASKED_EQ")


def _clone_without_namespaces() -> dict[str, Any]:
    # Masked: the flags, less all that are not in `value`, are `valueTwo`.
    return _allow_if("clone", value=NAMESPACE_FLAGS, valueTwo=0, op="SCMP_CMP_MASKED_EQ")


def _missing(name: str) -> dict[str, Any]:
    return {"names": [name], "action": "SCMP_ACT_ERRNO", "errnoRet": ENOSYS}
