"""What is wrong between the parts of a fleet file: references that lead nowhere, and values that contradict each other.

Works on the tree as it was written, of which any part may be missing or broken: such a part is passed over here (its
own fault is said elsewhere), so that everything is said at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.fleet import Watch
from core.fleet.mail_problems import mail_troubles
from core.fleet.raw_tree import (
    Inconsistency,
    address_of,
    at,
    did_you_mean,
    entries_at,
    mapping_at,
    texts_at,
)
from core.fleet.site_problems import site_troubles
from core.units import parse_duration, shown
from core.wording import count

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from datetime import timedelta

    from core.fleet.raw_tree import HostName, Where

LONG_TTL_S = 3600
DNS_PORT = 53


def fleet_troubles(tree: object, host_name: HostName) -> Iterator[Inconsistency]:
    """Yield everything that does not fit together in `tree`: what YAML gave, as dicts, lists and scalars.

    host_name: normalises a name of a host or zone; None where it is none.
    """
    yield from _servers(tree)
    yield from site_troubles(tree, host_name)
    yield from _dns(tree)
    yield from _slack(tree)
    yield from _watch(tree)
    yield from _schedules(tree)
    yield from mail_troubles(tree, host_name)
    yield from _offsite(tree)
    yield from _hidden(tree)


def _servers(tree: object) -> Iterator[Inconsistency]:
    seen: dict[str, str] = {}
    sites = mapping_at(tree, "sites")
    for name, server in mapping_at(tree, "servers").items():
        if name in sites:
            hint = "Commands take either by name: rename the server."
            yield Inconsistency(("servers", name), "is the name of a site as well", hint)
        if isinstance(server, dict) and not server.get("ipv4") and not server.get("ipv6"):
            yield Inconsistency(("servers", name), "has no address", "Write its ipv4, its ipv6, or both.")
        for family in ("ipv4", "ipv6"):
            address = address_of(at(server, family))
            if address is not None and address in seen:
                message = f"{address} is the address of {seen[address]} as well"
                yield Inconsistency(("servers", name, family), message, "Each server needs its own address.")
            elif address is not None:
                seen[address] = name


def _dns(tree: object) -> Iterator[Inconsistency]:
    yield from _endpoints(
        (("dns", "nameservers", name), entry) for name, entry in mapping_at(tree, "dns", "nameservers").items()
    )
    yield from _endpoints(
        (("dns", "update", index), entry) for index, entry in enumerate(entries_at(tree, "dns", "update"))
    )
    max_ttl = at(tree, "dns", "max_ttl")
    if isinstance(max_ttl, int) and max_ttl > LONG_TTL_S:
        message = f"{max_ttl} s: after a cutover, resolvers may send people to the old server for that long"
        yield Inconsistency(("dns", "max_ttl"), message, "300 is usual for records that fail over.", serious=False)


def _endpoints(entries: Iterable[tuple[Where, object]]) -> Iterator[Inconsistency]:
    seen: dict[tuple[str, int], Where] = {}
    for where, entry in entries:
        address = address_of(at(entry, "address"))
        port = at(entry, "port") or DNS_PORT
        if address is None or not isinstance(port, int):
            continue
        endpoint = (address, port)
        if endpoint in seen:
            first = seen[endpoint][-1]
            other = f"of {first}" if isinstance(first, str) else f"of entry {first + 1}"
            yield Inconsistency(where, f"{address}, port {port}, is the address {other} as well", "List each once.")
        seen.setdefault(endpoint, where)


def _slack(tree: object) -> Iterator[Inconsistency]:
    slack = at(tree, "slack")
    if not isinstance(slack, dict):
        return
    listed = entries_at(slack, "approvers")
    approvers = {person for _, person in texts_at(slack, "approvers")}
    operators = {person for _, person in texts_at(slack, "operators")}
    yield from _at_terminal(slack, approvers)
    needed = slack.get("approvals_needed", 1)
    where = ("slack", "approvals_needed")
    people = count(len(approvers), "approver")
    if not listed:
        hint = "List who may approve a cutover under approvers."
        yield Inconsistency(("slack",), "nobody may approve anything in Slack", hint, serious=False)
    elif not isinstance(needed, int) or not all(isinstance(person, str) and person[:1] != "S" for person in listed):
        # Nobody knows here how many people a user group holds.
        return
    elif needed > len(approvers):
        yield Inconsistency(where, f"{count(needed, 'approval')} needed, {people} listed", "List more approvers.")
    elif needed > 1 and needed == len(approvers) and approvers & operators:
        message = f"when one of the {people} asks, too few are left: who asked does not count"
        yield Inconsistency(where, message, "List one approver more.", serious=False)


def _at_terminal(slack: object, approvers: Collection[str]) -> Iterator[Inconsistency]:
    if any(one.startswith("S") for one in approvers):
        return
    for uid, user in mapping_at(slack, "terminal").items():
        if isinstance(user, str) and user[:1] in {"U", "W"} and user not in approvers:
            hint = "From 2 approvals on, theirs do not count: list them under approvers."
            yield Inconsistency(("slack", "terminal", uid), f"{shown(user)} is no approver", hint, serious=False)


def _length(tree: object, *where: str, default: timedelta) -> timedelta | None:
    value = at(tree, *where)
    if value is None:
        return default
    try:
        return parse_duration(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _watch(tree: object) -> Iterator[Inconsistency]:
    every = _length(tree, "watch", "every", default=Watch().every)
    retry = _length(tree, "watch", "retry", default=Watch().retry)
    if every and retry and retry > every:
        hint = "After a failure, looks come closer together: make retry shorter than every."
        written = "retry" if at(tree, "watch", "retry") is not None else "every"
        yield Inconsistency(("watch", written), "retry is longer than every", hint)


def _schedules(tree: object) -> Iterator[Inconsistency]:
    schedule = mapping_at(tree, "schedule")
    for name in schedule:
        yield from _both_days(("schedule", name), schedule[name])
    for name, site in mapping_at(tree, "sites").items():
        yield from _both_days(("sites", name, "sync"), at(site, "sync"))
    backup = schedule.get("backup")
    if isinstance(backup, str) and backup != "off" and at(tree, "offsite") is None:
        hint = "Add offsite, or set backup: off."
        yield Inconsistency(("schedule", "backup"), "there is no place for a backup to go to", hint, serious=False)


def _both_days(where: Where, expression: object) -> Iterator[Inconsistency]:
    fields = expression.split() if isinstance(expression, str) else []
    if len(fields) == 5 and fields[2] != "*" and fields[4] != "*":  # noqa: PLR2004  the five fields of cron
        hint = "cron(8) would run it on either. Use one of the two."
        yield Inconsistency(where, "runs only where the day of the month and the weekday both fit", hint, serious=False)


def _offsite(tree: object) -> Iterator[Inconsistency]:
    address = address_of(at(tree, "offsite", "server", "address"))
    for name, server in mapping_at(tree, "servers").items():
        if address is not None and address in {address_of(at(server, "ipv4")), address_of(at(server, "ipv6"))}:
            message = f"{address} is the server {name}: its loss would take the backup along"
            yield Inconsistency(("offsite", "server", "address"), message, "Use a machine elsewhere.", serious=False)


def _hidden(tree: object) -> Iterator[Inconsistency]:
    sites = mapping_at(tree, "sites")
    for index, name in texts_at(tree, "status_pages", "hide"):
        if sites and name not in sites:
            hint = did_you_mean(name, sites) or "Write the site's name as it stands under sites."
            yield Inconsistency(("status_pages", "hide", index), f"there is no site {shown(name)}", hint)
