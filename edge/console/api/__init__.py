"""The API of the console: JSON over HTTPS with tokens, as its own document says."""
