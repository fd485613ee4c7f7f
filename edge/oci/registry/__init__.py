"""Images of registries: the OCI distribution spec 1.1, for reading and for pushing."""
