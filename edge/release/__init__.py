"""Releases: from a build to what devices can verify and fetch."""
