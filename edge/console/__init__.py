"""The console: registry of devices, releases, links to devices, API and pages."""
