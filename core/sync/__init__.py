"""Copies of files: which way content flows, what a run changes and why it must not, and what people are told."""
