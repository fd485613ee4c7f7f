"""Private keys and what is signed with them: the only package that reads or makes a private key."""
