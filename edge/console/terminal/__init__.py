"""Terminals of devices: carried and recorded here, and never read."""
