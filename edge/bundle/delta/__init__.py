"""Make patches: what turns one image into another, in few bytes.

`make` compares two images; `write_file` puts the patch alone into a file. Bundles take the units.
"""

from edge.bundle.delta.making import Patch, make, write_file
from edge.bundle.delta.units import Unit

__all__ = ["Patch", "Unit", "make", "write_file"]
