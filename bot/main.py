"""Where the command `sharpnet` begins."""

from bot.terminal.main import main

__all__ = ["main"]
