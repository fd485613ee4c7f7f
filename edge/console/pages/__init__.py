"""The web page of the console."""
