"""DNS that was changed by hand: which sites that moved, and what people are told of the copies that were left."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.fleet import Server
from core.fleet.access import SecretRef, SshLogin
from core.reply import Table, Tone
from core.sync.moved_by_hand import SiteMove, card_of, moves_between

LOGIN = SshLogin("bot", 22, SecretRef("file", "keys/bot"), "keys/known_hosts")
SERVERS = {
    name: Server(name, place, LOGIN, ipv4=address)
    for name, place, address in (("it", "Oslo", "192.0.2.1"), ("us", "Lima", "192.0.2.2"), ("all", "all", "192.0.2.3"))
}
HOMES = {"shop": "it", "blog": "us", "wiki": "it"}

some = st.dictionaries(st.sampled_from(sorted(HOMES)), st.sampled_from(sorted(SERVERS)))


def told(*moves: SiteMove) -> list[str]:
    return [part.text for part in card_of(moves, SERVERS).parts if not isinstance(part, Table)]


@given(before=some, seen=some)
def test_a_site_moved_where_it_is_seen_elsewhere_than_it_was_and_was_at_home_before_it_was_ever_seen(
    before: dict[str, str], seen: dict[str, str]
) -> None:
    moves = moves_between(before, HOMES, seen)
    assert {(move.site, move.to) for move in moves} <= set(seen.items())
    for site, to in seen.items():
        was = before[site] if site in before else HOMES[site]
        assert (SiteMove(site, was, to) in moves) == (was != to)


def test_one_site_stands_in_the_title_with_the_place_where_it_is_served() -> None:
    card = card_of([SiteMove("shop", "it", "us")], SERVERS)
    assert card.title == "DNS was changed by hand: shop is served from us (Lima) now"
    assert card.tone is Tone.WARN
    assert told(SiteMove("shop", "it", "us")) == [
        "The copy that it left is in quarantine: nothing is copied from it or over it until somebody has chosen.",
        "What differs, and the choice: `failback it`.",
    ]


def test_several_are_counted_and_listed_by_where_they_went() -> None:
    moves = [SiteMove("wiki", "it", "us"), SiteMove("blog", "us", "all"), SiteMove("shop", "it", "us")]
    card = card_of(moves, SERVERS)
    assert card.title == "DNS was changed by hand: 3 sites are served from elsewhere now"
    (table,) = [part for part in card.parts if isinstance(part, Table)]
    assert [row.cells for row in table.rows] == [("it (Oslo) → us (Lima)", "wiki, shop"), ("us (Lima) → all", "blog")]
    assert told(*moves) == [
        "Each copy that was left is in quarantine: nothing is copied from it or over it until somebody has chosen.",
        "What differs, and the choice: `failback it`, `failback us`.",
    ]


def test_a_server_that_is_not_in_the_fleet_any_more_is_named_as_it_was() -> None:
    assert card_of([SiteMove("shop", "gone", "it")], SERVERS).parts[0].rows[0].cells[0] == "gone → it (Oslo)"  # type: ignore[union-attr]
