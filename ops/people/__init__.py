"""Who is who: at this machine, and in the chat's user groups."""
