"""How a device gets its identity in the factory that it is made in."""
