"""The private tool tree: programs that the host's release lacks, unpacked, not installed."""

from edge.toolbox.compile import compile_c, compile_pyc
from edge.toolbox.doctor import Finding, report
from edge.toolbox.tools import qemu_data, tool
from edge.toolbox.tree import install, installed, stamp

__all__ = [
    "Finding",
    "compile_c",
    "compile_pyc",
    "install",
    "installed",
    "qemu_data",
    "report",
    "stamp",
    "tool",
]
