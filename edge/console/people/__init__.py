"""People: roles, passwords, sessions, invitations, and the door that knows them."""
