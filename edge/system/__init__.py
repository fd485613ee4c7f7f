"""What people write: system.yml, service.yml and the lock file."""
