"""Edge, the host side: build images, run them, write them to boards."""
