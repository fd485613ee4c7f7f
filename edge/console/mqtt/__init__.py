"""The link to devices through a broker, and whom it serves."""
