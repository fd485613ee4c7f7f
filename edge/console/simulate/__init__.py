"""Simulated devices: many in one process, on the real protocols, with a seed for what they do."""
