"""Schedules copy what they should, trouble is told once and mended, and the commands say what people need."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sync.harness import WHO, contents_at

from core.errors import NotAllowedError
from core.people import Person, Role
from core.reply import Tone
from jobs.sync import BY_CLOCK, JOB, sync_by_clock

if TYPE_CHECKING:
    from sync.harness import Rig

    from core.fleet import Site
    from ops.store.cards import StoredCard

pytestmark = pytest.mark.xdist_group("sync-told")


def only(rig: Rig, *sites: Site) -> Rig:
    """Give a rig whose fleet has these sites alone."""
    fleet = replace(rig.ports.fleet, sites={site.name: site for site in sites})
    return replace(rig, ports=replace(rig.ports, fleet=fleet))


def spoil(rig: Rig, site: Site) -> None:
    """Have the next sync of the site refused."""
    for path in rig.root(site, site.home).rglob("*.html"):
        path.unlink()
    for path in rig.root(site, site.home).rglob("*.txt"):
        path.unlink()


async def card_of(rig: Rig, key: str) -> StoredCard | None:
    return await rig.ports.store.cards.get(key)


async def test_a_scheduled_run_copies_the_sites_of_its_schedule_only(rig: Rig) -> None:
    daily, own, off = rig.take(), replace(rig.take(), sync="15 * * * *"), replace(rig.take(), sync="off")
    rig = only(rig, daily, own, off)
    assert dict(JOB.triggers(rig.ports.fleet)) == {"daily": "0 3 * * *", "cron:15 * * * *": "15 * * * *"}
    await sync_by_clock(rig.ports, "daily", rig.ports.clock.now())
    assert [bool(contents_at(rig.root(site, "lima"))) for site in (daily, own, off)] == [True, False, False]
    await sync_by_clock(rig.ports, "cron:15 * * * *", rig.ports.clock.now())
    assert [bool(contents_at(rig.root(site, "lima"))) for site in (daily, own, off)] == [True, True, False]
    assert {run.outcome for run in (await rig.ports.store.copies.last_syncs()).values()} == {"good"}


async def test_without_a_schedule_nothing_is_copied_by_itself(rig: Rig) -> None:
    site = rig.take()
    bare = replace(only(rig, site).ports.fleet, schedule=replace(rig.ports.fleet.schedule, sync=None))
    assert list(JOB.triggers(bare)) == []


async def test_a_scheduled_run_that_is_refused_puts_one_card_that_asks_and_mends_it_later(rig: Rig) -> None:
    site = await rig.filled(rig.take())
    rig = only(rig, site)
    spoil(rig, site)
    await sync_by_clock(rig.ports, "daily", rig.ports.clock.now())
    card = await card_of(rig, f"sync:{site.name}")
    assert card is not None
    assert card.reply.tone is Tone.WARN
    assert "would delete" in card.reply.title
    assert [button.line for button in card.reply.buttons] == [
        f"sync {site.name} --to lima",
        f"sync {site.name} --to lima --allow-delete",
    ]
    reply = await rig.say(card.reply.buttons[1].line)
    assert reply.exit_code == 0
    mended = await card_of(rig, f"sync:{site.name}")
    assert mended is not None
    assert (mended.reply.tone, mended.reply.buttons) == (Tone.GOOD, ())
    assert len(await rig.ports.store.cards.waiting()) == 1


async def test_trouble_that_goes_on_is_noted_on_its_card_and_not_told_anew(rig: Rig) -> None:
    site = await rig.filled(rig.take())
    rig = only(rig, site)
    spoil(rig, site)
    for _ in range(2):
        await sync_by_clock(rig.ports, "daily", rig.ports.clock.now())
    (waiting,) = await rig.ports.store.cards.waiting()
    await rig.ports.store.cards.posted(waiting.key, waiting.revision, "C1", "1.1")
    notes = await rig.ports.store.cards.waiting_notes()
    assert [note.text.startswith("Again at ") for note in notes] == [True]


async def test_trouble_of_many_sites_on_one_way_is_one_card(rig: Rig) -> None:
    sites = [rig.take() for _ in range(5)]
    for site in sites:
        root = rig.root(site, "oslo")
        root.rename(root.with_name(f"{root.name}.away"))
    rig = only(rig, *sites)
    await sync_by_clock(rig.ports, "daily", rig.ports.clock.now())
    (card,) = await rig.ports.store.cards.waiting()
    assert card.key == "sync:oslo>lima"
    assert card.reply.title == "5 sites could not be copied from oslo to lima: the root is missing on oslo"
    for site in sites:
        root = rig.root(site, "oslo")
        root.with_name(f"{root.name}.away").rename(root)
    await sync_by_clock(rig.ports, "daily", rig.ports.clock.now())
    mended = await card_of(rig, card.key)
    assert mended is not None
    assert mended.reply.tone is Tone.GOOD


async def test_trouble_that_somebody_sees_anyway_makes_no_card(rig: Rig) -> None:
    site = await rig.filled(rig.take())
    spoil(rig, site)
    assert (await rig.say(f"sync {site.name}")).exit_code == 3
    assert await rig.ports.store.cards.waiting() == ()


async def test_a_schedule_leaves_quarantined_and_held_sites_alone_without_a_word(rig: Rig) -> None:
    held, quarantined = rig.take(), rig.take()
    rig, now = only(rig, held, quarantined), rig.ports.clock.now()
    await rig.ports.store.claims.take([f"site:{held.name}"], "K7Q2", "a cutover", now, None)
    await rig.ports.store.copies.quarantine([(quarantined.name, "lima")], "left", now, WHO)
    await sync_by_clock(rig.ports, "daily", now)
    assert await rig.ports.store.cards.waiting() == ()
    assert contents_at(rig.root(held, "lima")) == contents_at(rig.root(quarantined, "lima")) == {}
    assert [entry.who for entry in await rig.ports.store.record.entries(subject=held.name)] == [BY_CLOCK]


async def test_the_command_says_each_result_and_ends_with_the_worst(rig: Rig) -> None:
    good, refused, failed = rig.take(), await rig.filled(rig.take()), rig.take()
    spoil(rig, refused)
    root = rig.root(failed, "oslo")
    root.chmod(0o000)
    line = f"sync {good.name} {refused.name}"
    reply = await rig.say(line)
    assert (reply.exit_code, reply.title) == (3, "1 of 2 copies are fresh, 1 refused")
    reply = await rig.say(f"{line} {failed.name}")
    root.chmod(0o755)
    assert reply.exit_code == 1
    assert reply.facts is not None
    assert {key: reply.facts[key] for key in ("good", "refused", "failed")} == {"good": 1, "refused": 1, "failed": 1}


async def test_only_operators_may_sync(rig: Rig) -> None:
    site = rig.take()
    stranger = Person("U9EVE", "slack", frozenset())
    approver = Person("U5APP", "slack", frozenset({Role.APPROVER}))
    for person in (stranger, approver):
        with pytest.raises(NotAllowedError):
            await rig.say(f"sync {site.name}", person)
    assert contents_at(rig.root(site, "lima")) == {}


async def test_sites_says_where_each_is_served_and_how_old_its_copies_are(rig: Rig) -> None:
    fresh, never = await rig.filled(rig.take()), rig.take()
    alone = replace(rig.take(), name="alone", mirrors=())
    rig = only(rig, fresh, never, alone)
    reply = await rig.later(timedelta(hours=3)).say("sites --json")
    assert reply.title == "3 sites: 1 never copied, 1 without a mirror, 1 fresh"
    assert reply.facts is not None
    facts = {site["name"]: site for site in reply.facts["sites"]}  # type: ignore[attr-defined]
    (copy,) = facts[fresh.name]["copies"]
    assert (copy["server"], copy["fresh"], copy["max_age_s"]) == ("lima", True, 93_600.0)
    assert 10_800 <= copy["age_s"] < 11_400
    assert facts[never.name]["copies"][0]["age_s"] is None
    assert facts["alone"]["copies"] == []
    old = await rig.later(timedelta(hours=27)).say("sites lima")
    assert old.title == "2 sites on lima: 1 never copied, 1 with an old copy"
