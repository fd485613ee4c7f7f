"""The support terminal, as host and device must agree on it byte for byte."""
