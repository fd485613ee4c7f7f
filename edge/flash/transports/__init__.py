"""What moves bytes to and from a board, and knows no protocol."""
