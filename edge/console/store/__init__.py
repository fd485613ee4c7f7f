"""What the console remembers: tables, their migrations, and one writer."""
