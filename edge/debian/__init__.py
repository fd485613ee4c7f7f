"""Debian packages: the mirror, resolving, fetching and unpacking."""
