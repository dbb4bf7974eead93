"""Plans: the exact changes that people approve, who may, when, and the verdicts that they read before it."""
