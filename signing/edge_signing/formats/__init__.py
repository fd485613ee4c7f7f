"""Binary layouts, each declared once."""
