"""The protections that are looked for in a kernel for arm64.

Source: the recommendations of the Kernel Self Protection Project, the Kconfig files and
Documentation/admin-guide/sysctl of Linux 6.1 to 6.12. What a version has always on, or not at all,
is left out by `since` and `until`: REFCOUNT_FULL (5.4), HARDENED_USERCOPY_FALLBACK (5.16),
SECURITY_WRITABLE_HOOKS (6.4), /dev/kmem (5.13) are not asked for at all.
"""

from typing import Final

from edge.hardening.kernel import Kernel
from edge.hardening.protection import (
    Finding,
    Protection,
    Standing,
    built,
    left_out,
    parameter,
    sysctl,
)

# What images of Edge start their kernel with. Debian's modules are signed, and what else these
# turn off no device in the field needs.
PARAMETERS: Final = "slab_nomerge debugfs=off module.sig_enforce=1"

LANDLOCK: Final = "Landlock is there"
_OFF: Final = ("0", "off", "n", "no")
_LOCKED: Final = parameter("lockdown", "integrity", "confidentiality")
_LOCKED_ALWAYS: Final = built("LOCK_DOWN_KERNEL_FORCE_INTEGRITY")
_LOCKED_WHOLLY: Final = built("LOCK_DOWN_KERNEL_FORCE_CONFIDENTIALITY")

MEMORY: Final = (
    Protection(
        "kernel code and read-only data can not be written",
        (built("STRICT_KERNEL_RWX"),),
        (parameter("rodata", "off"),),
    ),
    Protection(
        "code of modules can not be written", (built("STRICT_MODULE_RWX"), left_out("MODULES"))
    ),
    Protection(
        "linear mapping of read-only data is read-only too",
        (built("RODATA_FULL_DEFAULT_ENABLED"), parameter("rodata", "full")),
    ),
    Protection("mappings that are writable and executable are told", (built("DEBUG_WX"),)),
    Protection("stacks of the kernel have guard pages", (built("VMAP_STACK"),)),
    Protection("functions check their stack", (built("STACKPROTECTOR_STRONG"),)),
    Protection("the end of a stack is checked", (built("SCHED_STACK_END_CHECK"),)),
    Protection(
        "return addresses have a stack of their own, or are signed",
        (built("SHADOW_CALL_STACK"), built("ARM64_PTR_AUTH_KERNEL")),
    ),
    Protection(
        "offset of the stack is random in each system call",
        (
            built("RANDOMIZE_KSTACK_OFFSET_DEFAULT"),
            parameter("randomize_kstack_offset", "on", "1", "y"),
        ),
        (parameter("randomize_kstack_offset", *_OFF),),
        since=(5, 13),
    ),
    Protection(
        "addresses of the kernel are random", (built("RANDOMIZE_BASE"),), (parameter("nokaslr"),)
    ),
    Protection(
        "branches land where they may only (BTI)", (built("ARM64_BTI_KERNEL"), built("CFI_CLANG"))
    ),
    Protection("copies check the size of what they copy to", (built("FORTIFY_SOURCE"),)),
    Protection(
        "copies from and to programs are checked",
        (built("HARDENED_USERCOPY"),),
        (parameter("hardened_usercopy", *_OFF),),
    ),
    Protection("arrays are not left by their index", (built("UBSAN_BOUNDS"),)),
    Protection("free lists are mixed", (built("SLAB_FREELIST_RANDOM"),)),
    Protection("free lists are sealed", (built("SLAB_FREELIST_HARDENED"),)),
    Protection(
        "caches of one size are not merged",
        (left_out("SLAB_MERGE_DEFAULT"), parameter("slab_nomerge")),
    ),
    Protection("caches are chosen at random", (built("RANDOM_KMALLOC_CACHES"),), since=(6, 6)),
    Protection("what programs size has caches of its own", (built("SLAB_BUCKETS"),), since=(6, 11)),
    Protection(
        "pages are handed out in no order",
        (built("SHUFFLE_PAGE_ALLOCATOR"),),
        (parameter("page_alloc.shuffle", *_OFF),),
    ),
    Protection(
        "memory is zeroed when it is handed out",
        (built("INIT_ON_ALLOC_DEFAULT_ON"), parameter("init_on_alloc", "1", "on")),
        (parameter("init_on_alloc", *_OFF),),
    ),
    Protection(
        "memory is zeroed when it is given back",
        (built("INIT_ON_FREE_DEFAULT_ON"), parameter("init_on_free", "1", "on")),
        (parameter("init_on_free", *_OFF),),
    ),
    Protection("variables on the stack begin as zero", (built("INIT_STACK_ALL_ZERO"),)),
    Protection(
        "registers are zeroed when a function ends", (built("ZERO_CALL_USED_REGS"),), since=(5, 15)
    ),
    Protection("lists are checked", (built("LIST_HARDENED"),), since=(6, 6)),
    Protection("lists are checked", (built("DEBUG_LIST"),), until=(6, 6)),
    Protection("broken data stops who broke it", (built("BUG_ON_DATA_CORRUPTION"),)),
    Protection("tables of pages are checked", (built("PAGE_TABLE_CHECK"),), since=(5, 17)),
    Protection(
        "use after free is found now and then (KFENCE)",
        (built("KFENCE"),),
        (parameter("kfence.sample_interval", "0"),),
        since=(5, 12),
    ),
    Protection("order of fields is random", (built("RANDSTRUCT_FULL"),), since=(5, 19)),
)

PROCESSOR: Final = (
    Protection(
        "programs can not read the kernel by its cache (KPTI)",
        (built("UNMAP_KERNEL_AT_EL0"),),
        (parameter("kpti", *_OFF), parameter("mitigations", "off")),
    ),
    Protection(
        "kernel does not touch memory of programs by mistake (PAN)",
        (built("ARM64_PAN"), built("ARM64_SW_TTBR0_PAN")),
    ),
    Protection(
        "tables of the kernel are hidden in time (E0PD)", (built("ARM64_E0PD"),), since=(5, 6)
    ),
    Protection(
        "history of branches is dropped (Spectre-BHB)",
        (built("MITIGATE_SPECTRE_BRANCH_HISTORY"),),
        (parameter("nospectre_bhb"), parameter("mitigations", "off")),
    ),
    Protection(
        "devices reach only memory that is theirs, at once",
        (built("IOMMU_DEFAULT_DMA_STRICT"), parameter("iommu.strict", "1")),
        (parameter("iommu.strict", "0"), parameter("iommu.passthrough", "1")),
        since=(5, 14),
    ),
)

CODE: Final = (
    Protection(
        "modules are loaded only with a good signature",
        (
            built("MODULE_SIG_FORCE"),
            left_out("MODULES"),
            parameter("module.sig_enforce", "1", "", "y"),
            _LOCKED,
            _LOCKED_ALWAYS,
            _LOCKED_WHOLLY,
        ),
    ),
    Protection(
        "root can not change the running kernel (lockdown)",
        (_LOCKED_ALWAYS, _LOCKED_WHOLLY, _LOCKED),
    ),
    Protection(
        "no other kernel is started (kexec)",
        (left_out("KEXEC"), sysctl("kernel.kexec_load_disabled", "1"), _LOCKED),
    ),
    Protection(
        "memory is not reached by /dev/mem",
        (left_out("DEVMEM"), built("IO_STRICT_DEVMEM")),
        (parameter("iomem", "relaxed"),),
    ),
    Protection(
        "programs of users may not be BPF",
        (built("BPF_UNPRIV_DEFAULT_OFF"), sysctl("kernel.unprivileged_bpf_disabled", "1", "2")),
        (sysctl("kernel.unprivileged_bpf_disabled", "0"),),
    ),
    Protection("BPF is compiled with blinded constants", (sysctl("net.core.bpf_jit_harden", "2"),)),
    Protection(
        "line disciplines are not loaded by users",
        (left_out("LDISC_AUTOLOAD"), sysctl("dev.tty.ldisc_autoload", "0")),
    ),
    Protection(
        "terminals take no input by ioctl",
        (left_out("LEGACY_TIOCSTI"), sysctl("dev.tty.legacy_tiocsti", "0")),
        since=(6, 2),
    ),
    Protection(
        "page faults of the kernel wait for no user",
        (left_out("USERFAULTFD"), sysctl("vm.unprivileged_userfaultfd", "0")),
        since=(5, 2),
    ),
    Protection(
        "io_uring is closed",
        (left_out("IO_URING"), sysctl("kernel.io_uring_disabled", "2", "1")),
        since=(6, 6),
    ),
    Protection("system calls are filtered", (built("SECCOMP_FILTER"),)),
    Protection(LANDLOCK, (built("SECURITY_LANDLOCK"),), since=(5, 13)),
    Protection(
        "processes are not traced by others", (sysctl("kernel.yama.ptrace_scope", "1", "2", "3"),)
    ),
)

SECRETS: Final = (
    Protection(
        "the log is for root",
        (sysctl("kernel.dmesg_restrict", "1"), built("SECURITY_DMESG_RESTRICT")),
    ),
    Protection(
        "addresses are not shown",
        (sysctl("kernel.kptr_restrict", "2", "1"),),
        (parameter("no_hash_pointers"),),
    ),
    Protection(
        "performance counters are for root", (sysctl("kernel.perf_event_paranoid", "3", "2"),)
    ),
    Protection("programs leave no core of raised rights", (sysctl("fs.suid_dumpable", "0"),)),
    Protection(
        "links are followed only where that is safe", (sysctl("fs.protected_symlinks", "1"),)
    ),
    Protection("hard links are made only to own files", (sysctl("fs.protected_hardlinks", "1"),)),
    Protection(
        "FIFOs and files in shared folders are guarded", (sysctl("fs.protected_regular", "2", "1"),)
    ),
    Protection("nothing is mapped at address 0", (sysctl("vm.mmap_min_addr", "65536", "32768"),)),
    Protection("the heap of programs is random", (left_out("COMPAT_BRK"),)),
    Protection(
        "debugging files are not there", (left_out("DEBUG_FS"), parameter("debugfs", "off"))
    ),
    Protection(
        "keys of the keyboard do not command the kernel",
        (left_out("MAGIC_SYSRQ"), sysctl("kernel.sysrq", "0")),
    ),
    Protection(
        "a kernel that stumbled is started again",
        (built("PANIC_ON_OOPS"), sysctl("kernel.panic_on_oops", "1"), parameter("oops", "panic")),
    ),
)

ALL: Final = (*MEMORY, *PROCESSOR, *CODE, *SECRETS)


def findings(kernel: Kernel) -> tuple[Finding, ...]:
    """Return what is found of each protection that this kernel can have, what is off first."""
    order = (Standing.OFF, Standing.UNKNOWN, Standing.ON)
    found = (one.found(kernel) for one in ALL if one.is_for(kernel))
    return tuple(sorted(found, key=lambda one: order.index(one.standing)))
