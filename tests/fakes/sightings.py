"""Sightings of metadata whose keys are letters."""

from edge_signing.trust.sighting import Sighting, mark


def sighting(version: int, *, root: int = 1, keys: str = "a", threshold: int = 1) -> Sighting:
    """Return what was seen of a role that had one key for each letter."""
    marks = tuple(sorted(mark(letter.encode()) for letter in keys))
    return Sighting(version, root, marks, threshold)
