"""Off-site backups: which snapshot is meant, what is suspicious, and what people are told."""
