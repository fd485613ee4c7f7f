"""The TUF repository of releases: static files that any web server can serve."""
