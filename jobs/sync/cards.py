"""What the ops channel is told about copies: trouble once, on a card that says when it is over."""

from __future__ import annotations

import shlex
from collections import defaultdict
from typing import TYPE_CHECKING

from core.failure import NOT_WORTH_A_CARD, FailureCode
from core.reply import Button, Confirm, Reply, Text, Tone
from core.wording import clock_time, count, duration, listing
from ops.gather.trouble_cards import mend_trouble, put_trouble

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from core.failure import Failure
    from core.sync.result import SyncResult
    from ops.ports import Ports
    from ops.store.copies.served import SyncRun

# More sites than this with trouble on one way are one message: what they have in common is what has to be mended.
MOST_SINGLE_CARDS = 3


async def tell(ports: Ports, results: Iterable[SyncResult], *, scheduled: bool) -> None:
    """Put a card for what went wrong in a scheduled run, and say on the cards that are there what is good again."""
    last_good = await ports.store.copies.last_good()
    by_way: dict[tuple[str, str], list[SyncResult]] = defaultdict(list)
    for result in results:
        if not result.dry_run and (result.trouble is None or result.trouble.code not in NOT_WORTH_A_CARD):
            by_way[result.source, result.mirror].append(result)
    for (source, mirror), on_way in by_way.items():
        bad = [(result, result.trouble) for result in on_way if result.trouble is not None]
        if scheduled and len(bad) > MOST_SINGLE_CARDS:
            await put_trouble(ports, f"sync:{source}>{mirror}", _many_bad(bad))
        elif scheduled:
            for result, trouble in bad:
                card = _one_bad(ports, result, trouble, last_good.get((result.site, mirror)))
                await put_trouble(ports, _key(ports, result), card)
            if len(on_way) > len(bad):
                await mend_trouble(ports, f"sync:{source}>{mirror}", f"Copying from {source} to {mirror} works again")
        for result in on_way:
            if result.trouble is None:
                title = f"{result.site} is copied from {source} to {mirror} again: {result.summary}"
                await mend_trouble(ports, _key(ports, result), title)


def _key(ports: Ports, result: SyncResult) -> str:
    alone = len(ports.fleet.sites[result.site].mirrors) == 1
    return f"sync:{result.site}" if alone else f"sync:{result.site}>{result.mirror}"


def _one_bad(ports: Ports, result: SyncResult, trouble: Failure, last_good: SyncRun | None) -> Reply:
    fleet = ports.fleet
    line = f"sync {shlex.quote(result.site)} --to {result.mirror}"
    buttons = [Button("Sync now", line)]
    if trouble.code == FailureCode.TOO_MANY_DELETES:
        kept = duration(fleet.sync.keep_replaced)
        confirm = Confirm(
            title="Delete that many?",
            text=f"{result.deleted:,} files that {result.source} does not have leave the copy on {result.mirror}. "
            f"They stay recoverable there for {kept}.",
            yes="Delete and sync",
        )
        buttons.append(Button("Delete and sync", f"{line} --allow-delete", "danger", confirm))
    verb = "was not" if trouble.refused else "could not be"
    since = clock_time(last_good.begun_at, fleet.timezone) if last_good is not None else "never"
    return Reply(
        title=f"{result.site} {verb} copied from {result.source} to {result.mirror}: {trouble.message}",
        parts=(Text(trouble.hint), Text(f"Last good copy: {since}.")),
        buttons=tuple(buttons),
        tone=Tone.WARN if trouble.refused else Tone.BAD,
    )


def _many_bad(bad: Sequence[tuple[SyncResult, Failure]]) -> Reply:
    sites: dict[FailureCode, list[str]] = defaultdict(list)
    for result, trouble in bad:
        sites[trouble.code].append(result.site)
    first = {trouble.code: trouble for _, trouble in reversed(bad)}
    ordered = sorted(sites, key=lambda code: len(sites[code]), reverse=True)
    source, mirror, said = bad[0][0].source, bad[0][0].mirror, first[ordered[0]].message
    others = f" ({len(sites[ordered[0]])} of them)" if len(ordered) > 1 else ""
    return Reply(
        title=f"{count(len(bad), 'site')} could not be copied from {source} to {mirror}: {said}{others}",
        parts=tuple(Text(f"{first[code].message}: {listing(sites[code])}. {first[code].hint}") for code in ordered),
        buttons=(Button("Sync now", f"sync --all --to {mirror}"),),
        tone=Tone.BAD,
    )
