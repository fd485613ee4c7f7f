"""What LinuxKit makes of a system file, for `--defaults linuxkit`."""
