"""What `check --live` says of the rights that a server's SSH user lacks, so that no copy is the first to find it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.failure import FailureCode
from core.status.findings import Finding
from core.wording import count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.failure import Failure
    from core.fleet import Site

# A server that has no copy of a site yet is no fault: the first sync makes it.
NOT_THERE_YET = frozenset({FailureCode.NO_PARENT})


@dataclass(frozen=True, slots=True)
class Lacking:
    """What a server's SSH user lacks, by site; not_asked: how many sites the answer says nothing of."""

    failures: Mapping[str, Failure]
    not_asked: int = 0


def rights_findings(what: str, server: str, sites: Sequence[Site], lacking: Lacking) -> tuple[Finding, ...]:
    """Return a finding for each kind of thing that is lacking on `server`, with its first site; one where nothing is.

    Files that cannot be read are a warning where the site leaves some out: they may be those.
    """
    first: dict[tuple[FailureCode, bool], tuple[str, Failure, int]] = {}
    for site in sites:
        failure = lacking.failures.get(site.name)
        if failure is None or (failure.code in NOT_THERE_YET and server != site.home):
            continue
        kind = failure.code, failure.code == FailureCode.SOURCE_UNREADABLE and bool(site.exclude)
        name, of_first, many = first.get(kind, (site.name, failure, 0))
        first[kind] = name, of_first, many + 1
    found = [
        Finding(what, ok=warning, why=f"{_named(name, many)}: {failure.message}", hint=failure.hint, warning=warning)
        for (_, warning), (name, failure, many) in first.items()
    ]
    if lacking.not_asked:
        why = f"{count(lacking.not_asked, 'site')} of {len(sites)} could not be looked at"
        found.append(Finding(what, ok=True, why=why, hint="Try again, or look there by hand.", warning=True))
    return tuple(found) or (Finding(what, ok=True, why=f"for {count(len(sites), 'site')}"),)


def _named(name: str, many: int) -> str:
    return name if many == 1 else f"{name} and {many - 1:,} more"
