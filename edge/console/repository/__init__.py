"""The repositories of tenants: signed documents, and the files that these name."""
