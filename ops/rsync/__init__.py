"""Copies of files between servers, by rsync over SSH."""
