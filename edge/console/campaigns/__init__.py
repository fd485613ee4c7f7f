"""Campaigns: a release brought to many devices, in waves that stop by themselves."""
