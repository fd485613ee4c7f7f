"""How an image gets onto a target: one module a method."""
