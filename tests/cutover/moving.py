"""What tests of planned moves have in common: hooks that leave a trace, and things that happen while DNS changes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    import pytest
    from cutover.stage import Stage

MOMENTS = ("before_cutover", "freeze", "after_cutover", "thaw")
TRACE = 'echo "{moment} $SITE $SOURCE $TARGET $ROOT" >>"$ROOT/../trace.log"'


def traced(tree: dict[str, Any], site: str, *moments: str, on: str = "source") -> None:
    """Have `site` leave a line in trace.log beside its root at each of the moments."""
    hooks = tree["sites"][site].setdefault("hooks", {})
    for moment in moments:
        hooks.setdefault(moment, []).append({"on": on, "run": TRACE.format(moment=moment), "timeout": "10s"})


def trace(stage: Stage, server: str) -> list[str]:
    """Return the moments and sites of which a server has a trace, in order."""
    file = root_of(stage, "ski.example", server).parent / "trace.log"
    lines = file.read_text().splitlines() if file.exists() else []
    return [" ".join(line.split()[:2]) for line in lines]


def root_of(stage: Stage, site: str, server: str) -> Path:
    """Say where this machine has the content that a site has on a server."""
    return stage.lab.path_on(server, stage.ports.fleet.sites[site].root_on(server))


def write(root: Path, name: str, text: str, *, at: int | None = None) -> None:
    """Write a file as whoever owns the root, with a time of its own where one is given."""
    path = root / name
    owner = root.stat()
    for folder in reversed([part for part in path.parents if not part.exists()]):
        folder.mkdir()
        os.chown(folder, owner.st_uid, owner.st_gid)
    path.write_text(text)
    os.chown(path, owner.st_uid, owner.st_gid)
    if at is not None:
        os.utime(path, (at, at))


def while_dns_changes(stage: Stage, monkeypatch: pytest.MonkeyPatch, happens: Callable[[], Awaitable[None]]) -> None:
    """Have something happen once, right before the first zone is changed: every copy is made by then."""
    update = stage.ports.dns.update
    pending = [happens]

    async def updating(*args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - whatever `update` takes
        if pending:
            await pending.pop()()
        await update(*args, **kwargs)

    monkeypatch.setattr(stage.ports.dns, "update", updating)
