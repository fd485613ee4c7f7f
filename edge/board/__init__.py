"""Board profiles: what a kind of hardware needs."""
