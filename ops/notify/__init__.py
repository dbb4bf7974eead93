"""Reaching people by other ways than Slack."""
