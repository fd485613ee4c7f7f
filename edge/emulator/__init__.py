"""Run an image in QEMU."""
