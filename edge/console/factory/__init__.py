"""The console's side of factory lines: what they made, and who comes without a record."""
