"""The private tool tree: programs that the host's release lacks, unpacked, not installed."""
