"""Which protections of the kernel are on, by its configuration, its command line and sysctls."""
