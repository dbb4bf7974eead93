"""Proving copies: every path that differs is judged, and whose turn comes next."""
