"""The fleet that the driver works on: one site with hooks around its cutovers, one with hooks around its syncs."""

from __future__ import annotations

from typing import Any

from backup.harness import offsite

FROZEN = "frozen-"
HOOK_LOG = "hooks.log"
AROUND_CUTOVERS, AROUND_SYNCS = "ski.example", "ceviche.example"
_TRACE = f'echo "{{moment}} $SITE" >>"$ROOT/../{HOOK_LOG}"'
_FREEZE = f': >"$ROOT/../{FROZEN}$SITE"'
_THAW = f'rm -f "$ROOT/../{FROZEN}$SITE"'


def for_the_driver(tree: dict[str, Any]) -> None:
    """Give the small fleet hooks and an off-site host, and little patience with its name servers."""
    tree["dns"]["agree_within"] = "3s"
    tree["offsite"] = offsite(tree)
    tree["sites"][AROUND_CUTOVERS]["hooks"] = {
        "before_cutover": [_hook("before_cutover", "source")],
        "freeze": [_hook("freeze", "source", _FREEZE)],
        "after_cutover": [_hook("after_cutover", "target")],
        "thaw": [_hook("thaw", "source", _THAW)],
    }
    tree["sites"][AROUND_SYNCS]["hooks"] = {
        "before_sync": [_hook("before_sync", "source")],
        "after_sync": [_hook("after_sync", "target")],
    }


def _hook(moment: str, on: str, does: str = ":") -> dict[str, str]:
    return {"on": on, "run": f"{_TRACE.format(moment=moment)}; {does}", "timeout": "10s"}
