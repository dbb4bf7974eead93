"""`run`: the bot itself. Carried out by the terminal's entry point; here for help and typing errors."""

from __future__ import annotations

from commands import Command

COMMAND = Command(
    name="run",
    summary="run the bot: watch, answer in Slack, copy by schedule; until stopped",
    run=None,
    places=frozenset({"terminal"}),
    examples=("run",),
)
