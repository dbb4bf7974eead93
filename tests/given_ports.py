"""The ports of which a test gives only some: the others are None, so that whoever asks one of them fails."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import TYPE_CHECKING

from ops.clock import SystemClock
from ops.ports import Ports

if TYPE_CHECKING:
    from core.fleet import Fleet


def ports_with(fleet: Fleet, **given: object) -> Ports:
    """Return the ports for `fleet` with what is given; the clock is the real one where none is."""
    asked = [field.name for field in fields(Ports) if field.default is field.default_factory is MISSING]
    none: dict[str, object] = dict.fromkeys(asked)
    known = {"fleet": fleet, "live_fleet": lambda: fleet, "clock": SystemClock()}
    return Ports(**(none | known | given))  # type: ignore[arg-type]
