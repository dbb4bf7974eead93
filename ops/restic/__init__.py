"""The off-site repository, by restic."""
