"""What an SBOM says, as data, and what differs between two: pure, for builds and consoles alike."""
