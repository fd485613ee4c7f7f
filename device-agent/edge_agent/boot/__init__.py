"""Boot control: which slot starts next."""
