"""Copies of databases: what stands beside one under which name, and why a copy must not be put in place."""
