"""What the operator of a station sees: a tile for each port, to be read from two metres."""
