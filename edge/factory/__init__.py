"""Factory lines: what gives each device its identity, and keeps a record of it."""
