"""Webhooks: what happens, told to servers of others."""
