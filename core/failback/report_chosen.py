"""What `failback` answers once somebody has chosen: what came, what is kept aside, and what comes next."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from core.failure import FailureCode
from core.reply import Button, Part, Reply, Text, Tone
from core.wording import count, listing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.failback.keep import KeepResult
    from core.fleet import Site
    from core.sync.result import SyncResult

MOST_HINTS = 5


def kept_report(kept: KeepResult, result: SyncResult | None, taken: Reply | None) -> Reply:
    """Return what to say after paths were kept. taken: what is said of the copy that followed; None: there was none."""
    site = shlex.quote(kept.site)
    shown = listing([change.shown for change in kept.files])
    came: list[Part] = [Text(f"Brought to {kept.active}: {shown}.", Tone.GOOD)] if kept.files else []
    if kept.replaced:
        replaced = listing([change.shown for change in kept.replaced])
        listed = f"`sync --undo {kept.run} --dry-run` lists it"
        came.append(Text(f"What they replaced is recoverable on {kept.active}: {replaced}; {listed}."))
    if kept.trouble is not None or result is None or taken is None:
        trouble = kept.trouble
        refused = trouble is not None and trouble.refused
        why = trouble.message if trouble is not None else "it was given up"
        return Reply(
            title=f"{kept.site}: nothing was kept from {kept.returned}: {why}"
            if refused
            else f"{kept.site}: not all could be brought from {kept.returned}: {why}",
            parts=(
                *came,
                *([Text(trouble.hint)] if trouble is not None and trouble.hint else []),
                Text(f"The copy on {kept.returned} is as it was, and stays in quarantine."),
            ),
            buttons=(Button("Compare again", f"failback {site}"),),
            tone=Tone.WARN if refused else Tone.BAD,
            facts={"kept": dict(kept.facts), "taken": None},
            exit_code=3 if refused else 1,
        )
    return Reply(
        title=f"{kept.site}: {kept.summary}; then {taken.title}",
        parts=(*came, *taken.parts),
        buttons=taken.buttons,
        tone=taken.tone,
        facts={"kept": dict(kept.facts), "taken": taken.facts},
        exit_code=taken.exit_code,
    )


def taken_parts(asides: Sequence[tuple[SyncResult, str]]) -> tuple[Part, ...]:
    """Return where the returned files are kept aside: each result, with its run; the first ones."""
    return tuple(
        Text(f"What {result.mirror} had of {result.site} is recoverable there: `sync --undo {run} --dry-run` lists it.")
        for result, run in asides[:MOST_HINTS]
    )


def with_own_hint(result: SyncResult) -> SyncResult:
    """Return a result of taking a copy with a hint that can be typed here, where a sync's would send people astray."""
    trouble = result.trouble
    if trouble is None or trouble.code != FailureCode.TOO_MANY_DELETES:
        return result
    site = shlex.quote(result.site)
    hint = (
        f"`failback {site}` lists what only {result.mirror} has. If all that may go: "
        f"`failback {site} --take-active --allow-delete`."
    )
    return replace(result, trouble=replace(trouble, hint=hint))


def at_home_reply(at_home: Sequence[Site]) -> Reply:
    """Return what to say where nothing is left to do."""
    names = listing([site.name for site in at_home])
    return Reply(
        title=f"{count(len(at_home), 'site is', 'sites are')} at home, and no copy is in quarantine: {names}"
        if at_home
        else "No site lives there, and no copy there is in quarantine",
        tone=Tone.GOOD,
        facts={"copies": [], "can_go_home": [], "at_home": [site.name for site in at_home]},
    )
