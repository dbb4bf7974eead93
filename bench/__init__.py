"""Measurements of the whole product against the lab: `python -m bench` prints one table with its conditions."""
