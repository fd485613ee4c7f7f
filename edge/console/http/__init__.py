"""The link to devices by HTTP, and the files that it sends."""
