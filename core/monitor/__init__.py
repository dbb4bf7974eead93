"""Watching: when something is down, flapping or degraded, and what was last observed."""
