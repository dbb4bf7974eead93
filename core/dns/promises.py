"""What a way of changing DNS can promise: whoever approves a cutover is told what it cannot."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

# By how much clocks may differ, and so for how long a signed message is taken (RFC 8945, section 10).
SIGNED_FOR = timedelta(seconds=300)


@dataclass(frozen=True, slots=True)
class Promises:
    """What holds of every change that a DNS backend makes. Signed updates (RFC 2136) promise all three.

    atomic: all records of a zone's change are made, or none ("UPDATE is atomic", RFC 2136, abstract; section 3.4.2.1).
    conditional: a record that is no longer as it was read is left alone: the change names its old value (the
    prerequisites of RFC 2136, sections 2.4 and 3.2).
    provable: each name server can be asked by itself whether it has the change: its own answer with authority
    (RFC 1035, section 4.1.1) and a serial that has grown with the zone (RFC 2136, section 3.6).
    """

    atomic: bool
    conditional: bool
    provable: bool
