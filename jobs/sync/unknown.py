"""Sites of which DNS does not tell where they are served: refused with what was last known, told once, tried again."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from core.failure import Failure, FailureCode
from core.reply import Reply, Text, Tone, hint_texts
from core.wording import clock_time, count, duration
from jobs.sync.serving import standing_doubt
from ops.gather.trouble_cards import mend_trouble, put_trouble

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from core.fleet import Site
    from core.sync.result import SyncResult
    from jobs.sync.request import SyncRequest
    from jobs.sync.serving import Serving
    from ops.ports import Ports

CARD = "sync:served-unknown"
AGAIN = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class ServedWhere:
    """What a sync may go by. last_good: when the newest good copy of each site was begun."""

    ports: Ports
    serving: Serving
    request: SyncRequest
    last_good: Mapping[str, datetime]

    def why_not(self, site: Site) -> Failure | None:
        """Return why nothing of `site` may be copied now, or None."""
        served, said = self.serving.active.get(site.name) or site.home, self.request.served_from
        if said is not None and served != said:
            hint = "`sites` says what is served from where."
            return Failure(FailureCode.DIRECTION, f"it is served from {served}, not from {said}", hint, refused=True)
        doubt = standing_doubt(self.serving.doubts.get(site.name), self.request)
        if doubt is None:
            return None
        at, zone = self.last_good.get(site.name), self.ports.fleet.timezone
        copied = f"copied at {clock_time(at, zone, self.ports.clock.now())}" if at is not None else "seen"
        hint = (
            f"When it was last {copied}, it was served from {served}; that may have changed since. Sync again when "
            f"name servers answer, or say which server serves it: `sync {shlex.quote(site.name)} --from SERVER`."
        )
        return Failure(FailureCode.SERVED_UNKNOWN, doubt.why, hint, refused=True)


async def served_where(ports: Ports, serving: Serving, request: SyncRequest) -> ServedWhere:
    """Return what a sync may go by, with what is known of the sites that are in doubt. Raises StoreError."""
    newest: dict[str, datetime] = {}
    for (site, _), run in (await ports.store.copies.last_good()).items() if serving.doubts else ():
        newest[site] = max(run.begun_at, newest.get(site, run.begun_at))
    return ServedWhere(ports, serving, request, newest)


async def tell_unknown(ports: Ports, results: Iterable[SyncResult]) -> None:
    """Put the one card for the sites of a scheduled run that nobody knows to be served from where."""
    unknown = _unknown((one.site, one.trouble) for one in results)
    if unknown:
        waiting = {site.name for site in await waiting_sites(ports)} - unknown.keys()
        await put_trouble(ports, CARD, _card(unknown, waiting))


async def waiting_sites(ports: Ports) -> tuple[Site, ...]:
    """Return the sites that wait for name servers to answer, as the card has them."""
    card = await ports.store.cards.get(CARD)
    facts = card.reply.facts if card is not None and card.reply.tone is not Tone.GOOD else None
    names = facts.get("sites") if facts is not None else None
    if not isinstance(names, list):
        return ()
    return tuple(ports.fleet.sites[name] for name in names if name in ports.fleet.sites)


async def tell_still_unknown(ports: Ports, results: Iterable[SyncResult], asked: Mapping[str, Failure | None]) -> None:
    """Say on the card which sites still wait, or that it is over. asked: by site, why it could not be tried again."""
    unknown = _unknown([*asked.items(), *((one.site, one.trouble) for one in results)])
    if unknown:
        await ports.store.cards.put(CARD, _card(unknown), ports.clock.now())
    else:
        await mend_trouble(ports, CARD, "DNS says again where all sites are served; those that waited are copied again")


def _unknown(troubles: Iterable[tuple[str, Failure | None]]) -> dict[str, Failure]:
    return {
        site: trouble
        for site, trouble in troubles
        if trouble is not None and trouble.code == FailureCode.SERVED_UNKNOWN
    }


def _card(unknown: Mapping[str, Failure], waiting: Collection[str] = ()) -> Reply:
    whys = sorted({trouble.message for trouble in unknown.values()})
    more = f", and {count(len(whys) - 1, 'other reason')}" if len(whys) > 1 else ""
    hints = ((site, trouble.hint, Tone.WARN) for site, trouble in sorted(unknown.items()))
    again = f"Nothing was put in place. It is tried again every {duration(AGAIN)}."
    return Reply(
        title=f"{count(len({*unknown, *waiting}), 'site was', 'sites were')} not copied: {whys[0]}{more}",
        parts=(Text(again), *hint_texts(hints, named=len(unknown) > 1)),
        tone=Tone.WARN,
        facts={"sites": sorted({*unknown, *waiting})},
    )
