"""What host and device must agree on byte for byte."""
