"""The support terminal: off unless an image turns it on, and open to nobody without a grant."""
