"""Files that people write: one strict reader, one model each, every mistake with its place."""
