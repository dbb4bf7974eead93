"""An embedded fleet of real servers on this machine, for the demo and the tests."""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.errors import LabError
    from lab.lab import Lab

__all__ = ["Lab", "LabError"]

_HOMES = {"Lab": "lab.lab", "LabError": "lab.errors"}


def __getattr__(name: str) -> object:
    # Imported when asked for: each host's first process imports this package too, without any third-party package,
    # and must start within milliseconds.
    if name not in _HOMES:
        raise AttributeError(name)
    return getattr(importlib.import_module(_HOMES[name]), name)
