"""Incidents: outages and maintenance, their causes and notes, and all that people are told of them."""
