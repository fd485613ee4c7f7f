"""The command `edge`: the only part that prints, prompts and knows exit codes."""
