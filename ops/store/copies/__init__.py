"""What the store keeps of copies: where sites are served from, runs, proofs, undos and backups."""
