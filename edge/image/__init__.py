"""Disk images: partitions, file systems, verity, boot files."""
