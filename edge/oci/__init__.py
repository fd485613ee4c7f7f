"""Containers without Docker: content store, images made from Debian packages, the root tree."""
