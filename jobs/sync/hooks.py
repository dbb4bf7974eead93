"""The hooks around a site's sync: one that fails before it stops it; one that fails after it is told, and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.failure import Failure, FailureCode
from core.reply import Reply, Text, Tone
from ops.gather.hooks import run_hooks
from ops.gather.trouble_cards import mend_trouble

if TYPE_CHECKING:
    from core.fleet import Site
    from ops.ports import Ports


async def before_sync(ports: Ports, site: Site, source: str, mirror: str) -> Failure | None:
    """Run what the site wants done before a sync; return why that stops it."""
    found = await run_hooks(ports, site, "before_sync", source, mirror)
    return None if found is None else Failure(FailureCode.HOOK_FAILED, found.message, found.hint, refused=True)


async def after_sync(ports: Ports, site: Site, source: str, mirror: str) -> tuple[str, ...]:
    """Run what the site wants done after a good sync, and return what to say; trouble is on a card until it is over."""
    if not site.hooks.after_sync:
        return ()
    found = await run_hooks(ports, site, "after_sync", source, mirror)
    key = f"hook:{site.name}>{mirror}"
    if found is not None:
        title = f"{site.name} was copied from {source} to {mirror}, but {found.message}"
        await ports.store.cards.put(key, Reply(title, (Text(found.hint),), tone=Tone.WARN), ports.clock.now())
        return (f"It was copied, but {found.message}. {found.hint}",)
    await mend_trouble(ports, key, f"The hooks after copying {site.name} to {mirror} work again")
    return ()
