"""The steps of a line: each does one thing to one board, and may be done again."""
