"""Cutovers: drawing a plan's changes, judging whether it may go ahead, its next step, and its card."""
