"""Where name servers do not tell which copy is served, nothing is put in place by what was last seen (law 4)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sync.harness import WHO, point, tree_at

from core.errors import UsageError
from core.reply import Tone
from jobs.sync import SyncRequest, sync_by_clock, sync_sites
from jobs.sync.unknown import CARD

if TYPE_CHECKING:
    from sync.harness import Rig

    from core.fleet import Site
    from core.sync.result import SyncProgress

pytestmark = [pytest.mark.xdist_group("sync-dns-silent"), pytest.mark.timeout(300)]
NAME_SERVERS = ("primary", "ns1", "ns2", "ns3")


def silence(rig: Rig, *servers: str) -> None:
    for server in servers or NAME_SERVERS:
        rig.lab.drop(server)


def wake(rig: Rig, *servers: str) -> None:
    for server in servers or NAME_SERVERS:
        rig.lab.back(server)


def edit(rig: Rig, site: Site, server: str, text: str) -> None:
    rig.write(site, server, {"index.html": text})


def page(rig: Rig, site: Site, server: str) -> str:
    return (rig.root(site, server) / "index.html").read_text()


def with_three(rig: Rig) -> tuple[Rig, Site, Site, Site]:
    """Give a rig whose fleet has three sites alone, the last of which was copied once."""
    sites = [rig.take() for _ in range(3)]
    fleet = replace(rig.ports.fleet, sites={site.name: site for site in sites})
    return replace(rig, ports=replace(rig.ports, fleet=fleet)), sites[0], sites[1], sites[2]


async def agreed(rig: Rig, site: Site, server: str) -> None:
    """Wait until every public name server points the site to `server`."""
    address = [str(rig.ports.fleet.servers[server].ipv4)]
    async with asyncio.timeout(60):
        while any(rig.lab.query(name, site.names[0], "A") != address for name in NAME_SERVERS):  # noqa: ASYNC110
            await asyncio.sleep(0.2)


async def test_what_was_moved_by_hand_is_not_overwritten_by_a_bot_that_cannot_ask(own_rig: Rig) -> None:
    rig, site, other, copied = with_three(own_rig)
    await rig.filled(copied)
    point(rig, site, "lima")
    edit(rig, site, "lima", "written while served from lima")
    edit(rig, site, "oslo", "old")
    before = tree_at(rig.root(site, "lima"))
    silence(rig)

    assert (await rig.say(f"sync {site.name}")).exit_code == 3
    assert (await rig.say(f"sync {site.name} --dry-run")).exit_code == 3
    await sync_by_clock(rig.ports, "daily", rig.ports.clock.now())
    assert tree_at(rig.root(site, "lima")) == before
    kinds = [entry.kind for entry in await rig.ports.store.record.entries(subject=site.name)]
    assert kinds == ["sync.refused", "sync.refused"]

    card = await rig.ports.store.cards.get(CARD)
    assert card is not None
    assert card.reply.title == "3 sites were not copied: none of all 4 name servers says where it is served"
    assert card.reply.tone is Tone.WARN
    hints = " ".join(getattr(part, "text", "") for part in card.reply.parts)
    assert "tried again every 5 min" in hints
    assert f"{copied.name}: When it was last copied at" in hints
    assert f"{site.name}: When it was last seen, it was served from oslo" in hints
    for one in (site, other, copied):
        assert await rig.ports.store.cards.get(f"sync:{one.name}") is None

    # Tried again while nobody answers it says nothing new, on record or on the card.
    entries = len(await rig.ports.store.record.entries())
    await sync_by_clock(rig.ports, "", rig.ports.clock.now())
    assert len(await rig.ports.store.record.entries()) == entries
    again = await rig.ports.store.cards.get(CARD)
    assert again is not None
    assert again.revision == card.revision

    wake(rig)
    await sync_by_clock(rig.ports, "", rig.ports.clock.now())
    assert tree_at(rig.root(site, "lima")) == before
    assert (await rig.ports.store.copies.active())[site.name] == "lima"
    assert (site.name, "oslo") in await rig.ports.store.copies.quarantined()
    assert rig.same(other)
    mended = await rig.ports.store.cards.get(CARD)
    assert mended is not None
    assert mended.reply.tone is Tone.GOOD


async def test_who_knows_says_which_copy_is_served_and_that_is_kept_as_if_dns_had_said_it(own_rig: Rig) -> None:
    rig, still, moved, _ = with_three(own_rig)
    await rig.filled(still)
    edit(rig, still, "oslo", "changed")
    silence(rig)

    assert (await rig.say(f"sync {still.name} --from lima --dry-run")).exit_code == 0
    assert (await rig.ports.store.copies.active())[still.name] == "oslo"
    assert (await rig.say(f"sync {still.name} --from oslo")).exit_code == 0
    assert page(rig, still, "lima") == "changed"
    entries = await rig.ports.store.record.entries(subject=still.name)
    (said,) = [entry for entry in entries if entry.kind == "served.said"]
    assert (said.who, said.body["server"]) == (WHO, "oslo")

    edit(rig, moved, "oslo", "left behind")
    assert (await rig.say(f"sync {moved.name} --from lima")).exit_code == 3
    assert page(rig, moved, "oslo") == "left behind"
    assert (moved.name, "oslo") in await rig.ports.store.copies.quarantined()

    wake(rig)
    reply = await rig.say(f"sync {still.name} --from lima")
    assert (reply.exit_code, "it is served from oslo, not from lima" in reply.title) == (3, True)


@pytest.mark.parametrize("line", ["sync --all --from oslo", "sync SITE --from nowhere", "sync SITE --runs --from oslo"])
async def test_a_word_about_what_is_served_is_for_sites_by_name_and_servers_that_hold_them(rig: Rig, line: str) -> None:
    site = rig.take()
    with pytest.raises(UsageError):
        await rig.say(line.replace("SITE", site.name))


async def test_most_of_the_public_name_servers_say_it_without_the_primary_and_one_alone_does_not(own_rig: Rig) -> None:
    rig, site, _, _ = with_three(own_rig)
    await agreed(rig, site, "oslo")
    silence(rig, "primary", "ns1")
    assert (await rig.sync(site)).outcome == "good"
    edit(rig, site, "oslo", "changed")
    silence(rig, "ns2")
    refused = await rig.sync(site)
    assert refused.trouble is not None
    assert refused.trouble.code == "served-unknown"
    assert refused.trouble.message.endswith("only 1 of 3 name servers say where it is served")
    assert page(rig, site, "lima") != "changed"


async def test_a_site_at_two_servers_or_none_is_copied_only_when_somebody_says_which_is_served(own_rig: Rig) -> None:
    rig, site, _, _ = with_three(own_rig)
    address = rig.ports.fleet.servers["lima"].ipv4
    rig.lab.nsupdate("ski.example", [f"update add {site.names[0]}. 300 A {address}"])
    refused = await rig.sync(site)
    assert refused.trouble is not None
    assert refused.trouble.message == "DNS does not say where it is served: it points to lima, oslo"
    rig.lab.nsupdate("ski.example", [f"update delete {site.names[0]}. A"])
    refused = await rig.sync(site)
    assert refused.trouble is not None
    assert refused.trouble.message == "DNS does not say where it is served: it points to no address"
    # Who holds the site has been shown where it is copied from, as in a planned move.
    now = rig.ports.clock.now()
    await rig.ports.store.claims.take([f"site:{site.name}"], "K7Q2", "a cutover", now, None)
    assert (await rig.sync(site, claimed_by="K7Q2")).outcome == "good"
    silence(rig)
    assert (await rig.sync(site, claimed_by="K7Q2")).outcome == "refused"


async def test_a_site_behind_an_address_of_nobodys_is_copied_as_it_was_last_known_to_be_served(own_rig: Rig) -> None:
    rig, site, _, _ = with_three(own_rig)
    await agreed(rig, site, "oslo")
    proxied = [f"update delete {site.names[0]}. A", f"update add {site.names[0]}. 300 A 198.51.100.7"]
    rig.lab.nsupdate("ski.example", proxied)
    edit(rig, site, "oslo", "behind a proxy")
    assert (await rig.sync(site)).outcome == "good"
    assert page(rig, site, "lima") == "behind a proxy"
    silence(rig)
    assert (await rig.sync(site)).outcome == "refused"


@pytest.mark.parametrize("happens", ["moved", "silent"])
async def test_what_was_copied_is_not_put_in_place_where_dns_moved_or_fell_silent_meanwhile(
    own_rig: Rig, happens: str
) -> None:
    rig, site, _, _ = with_three(own_rig)
    await rig.filled(site)
    edit(rig, site, "oslo", "changed")
    before = tree_at(rig.root(site, "lima"))
    happened: list[None] = []

    def on_progress(progress: SyncProgress) -> None:
        if progress.doing == "copying" and not happened:
            happened.append(point(rig, site, "lima") if happens == "moved" else silence(rig))

    results = await sync_sites(rig.ports, [site], SyncRequest(WHO), on_progress=on_progress)
    assert results[0].trouble is not None
    assert results[0].trouble.code == {"moved": "direction", "silent": "served-unknown"}[happens]
    assert tree_at(rig.root(site, "lima")) == before


async def test_nobody_chooses_between_copies_while_the_returned_one_may_be_the_served_one(own_rig: Rig) -> None:
    rig, site, _, _ = with_three(own_rig)
    await rig.filled(site)
    now = rig.ports.clock.now()
    await rig.ports.store.copies.quarantine([(site.name, "lima")], "left by a failover", now, WHO)
    edit(rig, site, "lima", "perhaps served")
    rig.write(site, "lima", {"upload.txt": "perhaps served"})
    before = tree_at(rig.root(site, "oslo")), tree_at(rig.root(site, "lima"))
    silence(rig)
    for line in (f"failback {site.name} --take-active", f"failback {site.name} --keep upload.txt"):
        with pytest.raises(Exception, match="says where it is served"):
            await rig.say(line)
    assert (tree_at(rig.root(site, "oslo")), tree_at(rig.root(site, "lima"))) == before
    assert (site.name, "lima") in await rig.ports.store.copies.quarantined()
