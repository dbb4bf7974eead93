"""Outages for tests: of `server:uk`, by the watch, one hour ago, unless they say otherwise."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from core.fleet.target import Target
from core.incident.facts import OutageFacts
from core.incident.outage import Outage

OPENED_AT = datetime(2026, 6, 14, 12, 2, 7, tzinfo=UTC)


def outage_of(target: Target | str = "server:uk", facts: OutageFacts | None = None, **fields: Any) -> Outage:  # noqa: ANN401
    """Return an outage of `target`, number 7 if nothing else is said, on a card of its own."""
    known = {"id": 7, "opened_at": OPENED_AT, "closed_at": None} | fields
    return Outage(
        target=Target.parse(str(target)), facts=facts or OutageFacts(), **({"card": f"outage:{known['id']}"} | known)
    )
