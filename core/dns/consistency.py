"""Whether the public name servers answer what the update servers hold: who lags, by how much, and what differs.

Serials are compared as RFC 1982 says, values as `core.dns.records` writes them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

from core.dns.records import SERIAL_BITS, RecordSet, ZoneReading, serial_at_or_past

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    Values = Mapping[tuple[str, str], tuple[str, ...]]


class ZoneConsistency(IntEnum):
    """How a name server stands to the update server in one zone; the worst is the greatest."""

    IN_STEP = 0
    AHEAD = 1
    BEHIND = 2
    DIFFERS = 3
    SILENT = 4

    @property
    def words(self) -> str:
        """As people read it, and as JSON has it."""
        return self.name.lower().replace("_", " ")


@dataclass(frozen=True, slots=True)
class NameServerAnswer:
    """What one name server said of one zone.

    serial None: it gave none, and `why` says the trouble. values: by (owner, type) what was asked for and answered.
    took_s: seconds that the serial took.
    """

    nameserver: str
    zone: str
    serial: int | None
    values: Values = field(default_factory=dict)
    why: str = ""
    took_s: float | None = None


@dataclass(frozen=True, slots=True)
class RecordDifference:
    """One record set that a name server answers otherwise than the update server. Empty values: not there."""

    owner: str
    type: str
    answered: tuple[str, ...]
    held: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.owner} {self.type} is {_shown(self.answered)} there, not {_shown(self.held)}"


@dataclass(frozen=True, slots=True)
class NameServerVerdict:
    """How one name server stands in one zone. behind_by: how many serial steps; negative: ahead; None: no serial."""

    said: NameServerAnswer
    step: ZoneConsistency
    behind_by: int | None = None
    differences: tuple[RecordDifference, ...] = ()

    @property
    def words(self) -> str:
        """What is wrong, in a few words; `in step` where nothing is."""
        said = [str(difference) for difference in self.differences]
        if self.step == ZoneConsistency.SILENT:
            return self.said.why or "no answer"
        if self.behind_by:
            where = f"{self.behind_by} behind" if self.behind_by > 0 else f"{-self.behind_by} ahead"
            said.insert(0, f"serial {self.said.serial}, {where}")
        return "; ".join(said) or self.step.words


@dataclass(frozen=True, slots=True)
class ZoneVerdict:
    """How all name servers stand in one zone.

    serial: what they are held against: the update server's, or where none answered the newest among the name servers.
    confirmed: an update server said it. why: what kept update servers from answering. split: what update servers hold
    differently among themselves.
    """

    zone: str
    serial: int | None
    confirmed: bool
    judged: tuple[NameServerVerdict, ...]
    why: str = ""
    split: tuple[RecordDifference, ...] = ()

    @property
    def in_step(self) -> bool:
        """Whether every name server answers what the update servers hold, and those say so."""
        return self.confirmed and not self.why and not self.split and self.worst == ZoneConsistency.IN_STEP

    @property
    def worst(self) -> ZoneConsistency:
        """How the worst name server stands."""
        return max((one.step for one in self.judged), default=ZoneConsistency.IN_STEP)

    @property
    def agreeing(self) -> int:
        """How many name servers are in step."""
        return sum(one.step == ZoneConsistency.IN_STEP for one in self.judged)


@dataclass(frozen=True, slots=True)
class ZoneSurvey:
    """One zone: how the name servers stand in it, and what its update servers hold, in the fleet's order."""

    verdict: ZoneVerdict
    readings: tuple[ZoneReading, ...]


@dataclass(frozen=True, slots=True)
class ServerVerdict:
    """How one name server stands over all zones: its worst step, and the words for that zone."""

    nameserver: str
    zones: int
    in_step: int
    worst: ZoneConsistency
    words: str
    slowest_s: float | None


class UpdateServerZone:
    """What an update server holds of a zone, and what a name server with the same zone therefore answers."""

    def __init__(self, reading: ZoneReading) -> None:
        self.zone = reading.zone
        self.serial = reading.serial
        self._complete = reading.complete
        self._values = {(record.owner, record.type): record.values for record in reading.records}
        self._existing = {name for record in reading.records for name in _with_ancestors(record.owner)}

    def values(self, owner: str, rdtype: str) -> tuple[str, ...]:
        """Return the values of a record set, or of the wildcard that stands in for it (RFC 4592); empty for none."""
        found = self._values.get((owner, rdtype))
        if not self._complete or owner in self._existing:
            return found or ()
        encloser = next((name for name in _with_ancestors(owner) if name in self._existing), self.zone)
        return self._values.get((f"*.{encloser}", rdtype), ())

    def differences(self, values: Values) -> tuple[RecordDifference, ...]:
        """Return what of `values` is not as it is held here."""
        return tuple(
            RecordDifference(owner, rdtype, answered, self.values(owner, rdtype))
            for (owner, rdtype), answered in values.items()
            if answered != self.values(owner, rdtype)
        )


def judge_zone(
    zone: str, said: Sequence[NameServerAnswer], readings: Sequence[ZoneReading], why: str = ""
) -> ZoneVerdict:
    """Hold what the name servers said of `zone` against what its update servers hold.

    A name server follows one of several update servers: it is held against the one that it fits best. readings: in
    the fleet's order; empty where none answered: then the name servers are held against the newest of themselves.
    why: what kept an update server from answering; empty for nothing.
    """
    holders = [UpdateServerZone(reading) for reading in readings] or _newest_said(zone, said)
    judged = tuple(
        min(
            (_judge(one, holder) for holder in holders),
            key=_badness,
            default=NameServerVerdict(one, ZoneConsistency.SILENT),
        )
        for one in said
    )
    asked = dict.fromkeys(key for one in said for key in one.values)
    split = tuple(
        difference
        for other in holders[1:]
        for difference in holders[0].differences({key: other.values(*key) for key in asked})
    )
    serial = holders[0].serial if holders else None
    return ZoneVerdict(zone, serial, bool(readings), judged, why, split)


def by_server(verdicts: Iterable[ZoneVerdict]) -> tuple[ServerVerdict, ...]:
    """Sum up over zones, one a name server, in the order in which they come."""
    found: dict[str, list[NameServerVerdict]] = {}
    for verdict in verdicts:
        for one in verdict.judged:
            found.setdefault(one.said.nameserver, []).append(one)
    return tuple(_sum_up(name, zones) for name, zones in found.items())


def _judge(said: NameServerAnswer, held: UpdateServerZone) -> NameServerVerdict:
    if said.serial is None:
        return NameServerVerdict(said, ZoneConsistency.SILENT)
    differences = held.differences(said.values)
    behind_by = (held.serial - said.serial) % (1 << SERIAL_BITS)
    if not serial_at_or_past(said.serial, held.serial):
        return NameServerVerdict(said, ZoneConsistency.BEHIND, behind_by, differences)
    step = ZoneConsistency.AHEAD if behind_by else ZoneConsistency.IN_STEP
    ahead_by = (1 << SERIAL_BITS) - behind_by if behind_by else 0
    return NameServerVerdict(said, ZoneConsistency.DIFFERS if differences else step, -ahead_by, differences)


def _badness(judged: NameServerVerdict) -> tuple[ZoneConsistency, int]:
    return judged.step, abs(judged.behind_by or 0)


def _newest_said(zone: str, said: Sequence[NameServerAnswer]) -> list[UpdateServerZone]:
    """Return what the name server with the newest serial said, as if it were held; empty where none said anything."""
    newest: NameServerAnswer | None = None
    serial = 0
    for one in said:
        if one.serial is not None and (newest is None or serial_at_or_past(one.serial, serial)):
            newest, serial = one, one.serial
    if newest is None:
        return []
    records = tuple(RecordSet(owner, rdtype, 0, values) for (owner, rdtype), values in newest.values.items() if values)
    return [UpdateServerZone(ZoneReading(zone, serial, records, complete=False))]


def _sum_up(name: str, zones: Sequence[NameServerVerdict]) -> ServerVerdict:
    worst = max(zones, key=_badness)
    took_s = [one.said.took_s for one in zones if one.said.took_s is not None]
    in_step = sum(one.step == ZoneConsistency.IN_STEP for one in zones)
    return ServerVerdict(name, len(zones), in_step, worst.step, worst.words, max(took_s, default=None))


def _with_ancestors(name: str) -> Iterator[str]:
    while name:
        yield name
        name = name.partition(".")[2]


def _shown(values: tuple[str, ...]) -> str:
    return ", ".join(values) or "nothing"
