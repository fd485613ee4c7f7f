"""Certificates: what is asked for, and what is signed; whoever signs has the key elsewhere."""
