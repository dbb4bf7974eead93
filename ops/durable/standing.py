"""Whether this process may act upon its store: asked of the witnesses before anything is done, and told to them after.

Who only looks need not ask. A store that is found behind is in doubt from then on, for every process that has it open,
until a person has accepted it. docs/decisions/0019-a-store-knows-itself.md says why.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from core.errors import LoginRefusedError, SharpnetError, StoreDoubtError, UnreachableError
from core.store_doubt import WAY_ON, beside_another, beside_card, doubt_card, why_in_doubt
from core.store_standing import Standing, StoreNote, judge_store, standing_of
from ops.durable.witnesses import BESIDE

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from core.store_standing import StoreVerdict
    from ops.contracts import Clock
    from ops.durable.witnesses import Witness
    from ops.store import Store

# For all witnesses together: a dead server must not keep anybody for longer from moving its sites.
WITHIN_S = 2.0
# A bot keeps the note beside the store fresher than this. One that is, and fits, needs no other witness.
FRESH_FOR = timedelta(minutes=2)
WHO = "bot:store"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the witnesses said, and what comes of it. why: the doubt that there is now; empty: none.

    heard: whom a new note can be given, since they could be asked.
    """

    verdict: StoreVerdict
    told: Mapping[str, StoreNote | str | None]
    heard: frozenset[str]
    why: str


class StoreStanding:
    """Asks and tells the witnesses of one store.

    trusts_note: whether a fresh note beside the store that fits is enough; a bot asks everybody when it starts.
    """

    def __init__(
        self, store: Store, clock: Clock, witnesses: Mapping[str, Witness], timezone: str, *, trusts_note: bool
    ) -> None:
        self._store = store
        self._clock = clock
        self._witnesses = witnesses
        self._timezone = timezone
        self._trusts_note = trusts_note
        self._first: asyncio.Task[None] | None = None
        self._silent: tuple[str, ...] = ()

    @property
    def witnesses(self) -> frozenset[str]:
        """The names of all witnesses."""
        return frozenset(self._witnesses)

    async def ask(self) -> None:
        """Return where this store may be acted upon. Raises StoreDoubtError, StoreError.

        The first time the witnesses are asked, which takes no longer than the slowest of them and `WITHIN_S` at most.
        """
        if self._first is None or (self._first.done() and not _went_well(self._first)):
            self._first = asyncio.create_task(self._look_first())
        await asyncio.shield(self._first)
        doubt = await self._store.identity.doubt()
        if doubt is not None:
            raise StoreDoubtError(f"{doubt.why}. Nothing changed.", hint=WAY_ON)

    async def look(self, names: Collection[str] | None = None) -> Asked:
        """Ask all witnesses, or those of these names, at once; what they know is kept as a doubt where it is one."""
        names = self.witnesses if names is None else names
        answers = await asyncio.gather(*(self._answer(name) for name in names))
        told = dict(zip(names, (answer for answer, _ in answers), strict=True))
        heard = frozenset(name for name, (_, heard) in zip(names, answers, strict=True) if heard)
        # Asked for only now: whoever shares this store has told nobody more than it holds by now.
        now = self._clock.now()
        own = await self._store.identity.own(now)
        hashes = await self._store.identity.hashes(one.number for one in told.values() if isinstance(one, StoreNote))
        verdict = judge_store(own, hashes, told)
        why = why_in_doubt(verdict, self._timezone, now)
        if why is not None and await self._store.identity.put_in_doubt(why, doubt_card(why), now, WHO):
            log.error("store=%s standing=%s why=%r", own.store, verdict.standing.name.lower(), why)
        await self._stand_beside(verdict, now)
        if verdict.silent != self._silent and names == self.witnesses:
            self._silent = verdict.silent
            log.info("store witnesses=%d answered=%d silent=%s", len(told), verdict.answered, ",".join(verdict.silent))
        doubt = await self._store.identity.doubt()
        return Asked(verdict, told, heard, doubt.why if doubt is not None else "")

    async def _stand_beside(self, verdict: StoreVerdict, now: datetime) -> None:
        """Quarantine, once, what was so in a store that this one knows nothing of: nobody may touch it yet."""
        why, note = beside_another(verdict, self._timezone, now), verdict.note
        if why is None or note is None or await self._store.record.entries(last=1, subject=note.store):
            return
        log.warning("store=%s standing=other why=%r", verdict.own.store, why)
        known = await self._store.copies.quarantined()
        anew = [copy for copy in note.quarantined if copy not in known]
        await self._store.record.add(now, "store.beside", note.store, WHO, {"why": why, "quarantined": len(anew)})
        if anew:
            await self._store.copies.quarantine(anew, f"it was so in the store {note.store}", now, WHO)
            await self._store.cards.put(f"store:beside:{note.store}", beside_card(why, anew), now)

    async def tell(self, names: Collection[str] | None = None) -> Asked:
        """Tell the witnesses, or those of these names, how far this store is; nobody anything while it is in doubt."""
        asked = await self.look(names)
        if not asked.why:
            own = asked.verdict.own
            behind = [name for name in asked.heard if not _is_told(asked.told[name], own, fresh=name == BESIDE)]
            await asyncio.gather(*(self._give(name, own) for name in behind))
        return asked

    async def tell_beside(self) -> None:
        """Tell only the witness beside the store, which costs next to nothing. What goes wrong is logged."""
        try:
            await self.tell({BESIDE} & self.witnesses)
        except SharpnetError as error:
            log.warning("store telling failed: %s", error.message)

    async def _look_first(self) -> None:
        if self._trusts_note and await self._fits_note_beside():
            return
        await self.look()

    async def _fits_note_beside(self) -> bool:
        """Return whether a process on this machine has found this very store to be the newest a moment ago."""
        answers = [await self._answer(name) for name in {BESIDE} & self.witnesses]
        note = answers[0][0] if answers else None
        now = self._clock.now()
        if not isinstance(note, StoreNote) or abs(now - note.at) > FRESH_FOR:
            return False
        own = await self._store.identity.own(now)
        hashes = await self._store.identity.hashes([note.number])
        return note.store == own.store and standing_of(own, hashes, note) is Standing.NEWEST

    async def _answer(self, name: str) -> tuple[StoreNote | str | None, bool]:
        """Return what a witness knows, or why it does not say, and whether it can be told something."""
        try:
            async with asyncio.timeout(WITHIN_S):
                return await self._witnesses[name].read(WITHIN_S), True
        except TimeoutError:
            return f"no answer within {WITHIN_S:g} s", False
        except SharpnetError as error:
            return error.message, not isinstance(error, UnreachableError | LoginRefusedError)

    async def _give(self, name: str, note: StoreNote) -> None:
        try:
            async with asyncio.timeout(WITHIN_S):
                await self._witnesses[name].write(note, WITHIN_S)
        except TimeoutError:
            log.info("store witness=%s told=no why='not within %g s'", name, WITHIN_S)
        except SharpnetError as error:
            log.info("store witness=%s told=no why=%r", name, error.message)


def _is_told(known: StoreNote | str | None, own: StoreNote, *, fresh: bool) -> bool:
    if not isinstance(known, StoreNote) or (fresh and abs(own.at - known.at) > FRESH_FOR / 2):
        return False
    return (known.store, known.number, known.earlier, known.quarantined) == (
        own.store,
        own.number,
        own.earlier,
        own.quarantined,
    )


def _went_well(task: asyncio.Task[None]) -> bool:
    return not task.cancelled() and task.exception() is None
