"""What the `dns` command shows: who is out of step first, then every zone, then which names point where."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from core.dns.consistency import ZoneConsistency, by_server
from core.reply import Heading, Row, Table, Text, Tone
from core.wording import all_of, count, duration, listing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.dns.consistency import NameServerVerdict, ServerVerdict, ZoneSurvey, ZoneVerdict
    from core.dns.pointing import PointingRecord
    from core.dns.records import RecordSet
    from core.fleet import Fleet
    from core.reply import Part

MOST_ROWS = 20

TONES: Mapping[ZoneConsistency, Tone] = {
    ZoneConsistency.IN_STEP: Tone.GOOD,
    ZoneConsistency.AHEAD: Tone.WARN,
    ZoneConsistency.BEHIND: Tone.WARN,
    ZoneConsistency.DIFFERS: Tone.BAD,
    ZoneConsistency.SILENT: Tone.BAD,
}


def title(verdicts: Sequence[ZoneVerdict], nameservers: int) -> str:
    """Say in one line how many name servers agree, on what, and which do not."""
    zones = verdicts[0].zone if len(verdicts) == 1 else count(len(verdicts), "zone")
    unread = [verdict for verdict in verdicts if not verdict.confirmed]
    apart = [one for one in by_server(verdicts) if one.worst != ZoneConsistency.IN_STEP]
    if apart:
        who = listing([f"{one.nameserver} ({one.worst.words})" for one in apart], most=6)
        return f"{len(apart)} of {count(nameservers, 'name server')} out of step on {zones}: {who}"
    if unread:
        where = "" if len(unread) == len(verdicts) else f" for {count(len(unread), 'zone')}"
        return f"{count(nameservers, 'name server')} agree on {zones}, but the update server does not answer{where}"
    if not all(verdict.in_step for verdict in verdicts):
        return f"The update servers do not agree on {zones}"
    agree = "agrees" if nameservers == 1 else "agree"
    return f"{all_of(nameservers, 'name server')} {agree} with the update server on {zones}"


def tone(verdicts: Sequence[ZoneVerdict]) -> Tone:
    """Return how the worst of it is meant."""
    worst = max((verdict.worst for verdict in verdicts), default=ZoneConsistency.IN_STEP)
    if worst == ZoneConsistency.IN_STEP and not all(verdict.in_step for verdict in verdicts):
        return Tone.BAD
    return TONES[worst]


def all_zones(fleet: Fleet, verdicts: Sequence[ZoneVerdict]) -> list[Part]:
    """Show every name server, then the zones, worst first."""
    places = {server.name: server.location for server in fleet.dns.nameservers}
    servers = Table(
        ("name server", "place", "in step", "slowest", ""),
        tuple(_server_row(one, places[one.nameserver]) for one in by_server(verdicts)),
    )
    worst_first = sorted(verdicts, key=lambda verdict: (verdict.in_step, -verdict.worst, verdict.agreeing))
    zones = Table(
        ("zone", "serial", "in step", ""),
        tuple(_zone_row(verdict) for verdict in worst_first[:MOST_ROWS]),
        left_out=max(0, len(verdicts) - MOST_ROWS),
    )
    troubles = [verdict.why for verdict in verdicts if verdict.why]
    why = [Text(f"The update server does not answer: {troubles[0]}", Tone.BAD)] if troubles else []
    return [servers, *why, Heading("Zones"), zones]


def _server_row(server: ServerVerdict, place: str) -> Row:
    in_step = f"{server.in_step:,} of {count(server.zones, 'zone')}"
    words = "" if server.worst == ZoneConsistency.IN_STEP else server.words
    return Row((server.nameserver, place, in_step, _took(server.slowest_s), words), TONES[server.worst])


def _zone_row(verdict: ZoneVerdict) -> Row:
    silent = [one.said.nameserver for one in verdict.judged if one.step == ZoneConsistency.SILENT]
    odd = [one for one in verdict.judged if one.step not in (ZoneConsistency.IN_STEP, ZoneConsistency.SILENT)]
    notes = [f"{one.said.nameserver}: {one.words}" for one in odd[:1]]
    notes += [f"{len(odd) - 1} more out of step"] if len(odd) > 1 else []
    notes += [f"silent: {listing(silent)}"] if silent else []
    notes += [f"update servers differ: {verdict.split[0]}"] if verdict.split else []
    notes += ["no answer from the update server"] if verdict.why else []
    in_step = f"{verdict.agreeing} of {len(verdict.judged)}"
    return Row((verdict.zone, _serial(verdict.serial), in_step, "; ".join(notes)), tone([verdict]))


def one_zone(fleet: Fleet, surveyed: ZoneSurvey) -> list[Part]:
    """Show what each name server answers for one zone, name by name."""
    verdict = surveyed.verdict
    places = {server.name: server.location for server in fleet.dns.nameservers}
    parts: list[Part] = [
        Table(
            ("name server", "place", "serial", "took", ""),
            tuple(_judged_row(one, places[one.said.nameserver]) for one in verdict.judged),
        )
    ]
    held_by = ", ".join(str(server) for server in fleet.dns.update)
    if verdict.confirmed:
        parts.append(Text(f"The update server ({held_by}) has serial {verdict.serial}."))
    if verdict.why:
        parts.append(Text(f"The update server does not answer: {verdict.why}", Tone.BAD))
    parts += [Text(f"The update servers differ: {difference}", Tone.BAD) for difference in verdict.split[:MOST_ROWS]]
    answers = {key: None for one in verdict.judged for key in one.said.values}
    rows = [_answer_row(key, verdict.judged) for key in answers]
    shown = [row for row in rows if row.cells[2]]
    if shown:
        table = Table(("name", "type", "answers"), tuple(shown[:MOST_ROWS]), left_out=max(0, len(shown) - MOST_ROWS))
        parts += [Heading("Names of sites"), table]
    return parts


def _judged_row(judged: NameServerVerdict, place: str) -> Row:
    said = judged.said
    return Row((said.nameserver, place, _serial(said.serial), _took(said.took_s), judged.words), TONES[judged.step])


def _answer_row(key: tuple[str, str], judged: Sequence[NameServerVerdict]) -> Row:
    """Say what is answered for one name: one value where all agree, else who answers what. Empty: it is nowhere."""
    who: dict[str, list[str]] = {}
    for one in judged:
        if key in one.said.values:
            who.setdefault(", ".join(one.said.values[key]) or "nothing", []).append(one.said.nameserver)
    if list(who) == ["nothing"]:
        return Row((*key, ""))
    if len(who) == 1:
        return Row((*key, next(iter(who))))
    return Row((*key, "; ".join(f"{values} ({listing(names)})" for values, names in who.items())), Tone.WARN)


def where_names_point(pointing: Sequence[PointingRecord]) -> list[Part]:
    """Show sites' names that point elsewhere than they should, and other names by server; nothing for none."""
    parts: list[Part] = []
    left = [one for one in pointing if one.left_behind]
    if left:
        rows = tuple(
            Row((one.owner, one.type, f"{one.value} ({one.server})", f"served from {one.served_from}"), Tone.WARN)
            for one in left[:MOST_ROWS]
        )
        table = Table(("name", "type", "points at", "its site is"), rows, left_out=max(0, len(left) - MOST_ROWS))
        parts += [Heading("Names that point elsewhere than where their site is served"), table]
    others: dict[str, list[str]] = {}
    for one in pointing:
        if one.site is None:
            others.setdefault(one.server, []).append(one.owner)
    for server, owners in others.items():
        names = list(dict.fromkeys(owners))
        parts.append(Text(f"Other names that point at {server} ({len(names):,}): {listing(names, MOST_ROWS)}"))
    return parts


def lives_too_long(records: Sequence[RecordSet], fleet: Fleet) -> list[Part]:
    """Show records that resolvers may cache for too long; nothing for none."""
    if not records:
        return []
    limit = fleet.dns.max_ttl_s
    shown = [f"{record.owner} {record.type} {record.ttl_s} s" for record in records]
    text = (
        f"Cached for longer than {limit} s after a failover: {listing(shown, MOST_ROWS)}. "
        f"Lower these TTLs to {limit} in the zone (max_ttl in app.yaml)."
    )
    return [Text(text, Tone.WARN)]


def limits(surveyed: Sequence[ZoneSurvey], *, by_name: bool) -> list[Part]:
    """Say what was not looked at, so that nobody takes it for good."""
    parts: list[Part] = []
    if not by_name:
        parts.append(
            Text(f"Compared by serial only, as there are {len(surveyed):,} zones. `dns ZONE` compares every name.")
        )
    partial = [one.verdict.zone for one in surveyed if any(not reading.complete for reading in one.readings)]
    if partial and by_name:
        text = (
            f"Not read whole, as the update server refuses the transfer: {listing(partial)}. Other names are unknown."
        )
        parts.append(Text(text, Tone.UNKNOWN))
    return parts


def _took(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else duration(timedelta(seconds=seconds))


def _serial(serial: int | None) -> str:
    return "" if serial is None else str(serial)
