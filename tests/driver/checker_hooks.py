"""What must hold of hooks: each runs once a step and owner, with its intent on record, and nothing stays frozen."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from driver.history import steps_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from driver.history import Seen

# By the step, or the kind of entry, that they are a part of.
OF_STEP: Mapping[str, str] = {"before": "before_cutover", "freeze": "freeze", "after": "after_cutover", "thaw": "thaw"}
OF_SYNC = ("before_sync", "after_sync")


def run_again(seen: Seen) -> Iterator[str]:
    """See that a hook runs once for whoever has begun its step, or its sync, and never without either."""
    may: dict[tuple[str, str], int] = {}
    for entry in seen.happened:
        if entry.kind == "step.begun":
            for step in steps_of(entry):
                name, _, site = step.partition(" ")
                may |= dict.fromkeys([(OF_STEP.get(name, ""), site)], 1)
        if entry.kind == "sync.begun":
            may |= dict.fromkeys([(moment, entry.subject) for moment in OF_SYNC], 1)
        if entry.kind == "hook.begun":
            hook = str(entry.body["moment"]), entry.subject
            may[hook] = may.get(hook, 0) - 1
            if may[hook] < 0:
                yield f"the {hook[0]} hook of {hook[1]} ran once more than anybody had begun to run it"


def ran_unrecorded(seen: Seen) -> Iterator[str]:
    """See that each hook has run as often as the record says: at least those that ended well, no more than began."""
    begun: Counter[tuple[str, str]] = Counter()
    well: Counter[tuple[str, str]] = Counter()
    for entry in seen.happened:
        if entry.kind in {"hook.begun", "hook.ran"}:
            hook = str(entry.body["moment"]), entry.subject
            (begun if entry.kind == "hook.begun" else well)[hook] += 1
    for hook in sorted({*begun, *seen.ran}):
        ran = seen.ran.get(hook, 0)
        if not well[hook] <= ran <= begun[hook]:
            moment, site = hook
            yield f"the {moment} hook of {site} ran {ran} times, and by the record {well[hook]} to {begun[hook]}"


def frozen_for_good(seen: Seen) -> Iterator[str]:
    """See that nothing stays frozen, but where thawing failed, or a plan was lost track of, which people are told."""
    for site in sorted(seen.frozen):
        about = [
            entry
            for entry in seen.happened
            if (entry.subject == site and entry.body.get("moment") in {"freeze", "thaw"}) or entry.kind == "plan.lost"
        ]
        last = about[-1] if about else None
        failed = last is not None and last.kind == "hook.failed" and last.body["moment"] == "thaw"
        if last is None or not (failed or last.kind == "plan.lost" or last not in seen.record):
            yield f"{site} is frozen, and nobody thaws it"


RULES: tuple[Callable[[Seen], Iterator[str]], ...] = (run_again, ran_unrecorded, frozen_for_good)
