"""Boards on USB, on protocol level: in this process, or for the kernel of a virtual machine."""
