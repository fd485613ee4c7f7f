"""What disks this machine has, and which of them may be written."""
