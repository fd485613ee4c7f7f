"""Services that are replaced one by one: a new version beside the old, a switch, and back."""
