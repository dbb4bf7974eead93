"""DNS records as values: record sets, changes to them, and serial arithmetic."""

from __future__ import annotations

from dataclasses import dataclass

SERIAL_BITS = 32
SERIAL_HALF = 1 << (SERIAL_BITS - 1)


@dataclass(frozen=True, slots=True, order=True)
class RecordSet:
    """All records of one owner and type: `owner` absolute in lower case without the final dot, `ttl_s` in seconds.

    `values` in presentation format, sorted, without duplicates; names in them absolute, without the final dot.
    """

    owner: str
    type: str
    ttl_s: int
    values: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.owner} {self.ttl_s} {self.type} {', '.join(self.values)}"


@dataclass(frozen=True, slots=True)
class RecordChange:
    """One record set before and after. `old` None: it is not there yet; `new` None: it goes away; never both."""

    old: RecordSet | None
    new: RecordSet | None

    @property
    def owner(self) -> str:
        """The name whose records change."""
        return (self.new or self._old).owner

    @property
    def type(self) -> str:
        """The type of record that changes."""
        return (self.new or self._old).type

    @property
    def _old(self) -> RecordSet:
        if self.old is None:
            raise ValueError("a change without old and new")
        return self.old

    def inverse(self) -> RecordChange:
        """Return the change that undoes this one."""
        return RecordChange(old=self.new, new=self.old)


@dataclass(frozen=True, slots=True)
class ZoneReading:
    """What an update server holds of a zone.

    complete: read by transfer, so nothing is missing; otherwise only the names that were asked for are here.
    """

    zone: str
    serial: int
    records: tuple[RecordSet, ...]
    complete: bool


def serial_at_or_past(serial: int, wanted: int) -> bool:
    """Return whether `serial` is `wanted` or later (RFC 1982, section 3.2).

    Where the two are exactly half the space apart the RFC leaves the order undefined; the answer is then False, so
    that nothing is taken for done that may not be.
    """
    return serial == wanted or 0 < (serial - wanted) % (1 << SERIAL_BITS) < SERIAL_HALF
