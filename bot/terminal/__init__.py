"""Sharpnet in the terminal: the same commands, with colour and progress only where a person looks."""
