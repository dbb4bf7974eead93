"""What can befall the small fleet, and what the channel says of it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab import faults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from lab import Lab

SKI = "/srv/oslo/www/ski.example"


@contextlib.contextmanager
def befallen(lab: Lab, befall: Callable[[str], None], *names: str) -> Iterator[None]:
    """Let something befall whole hosts until the block ends."""
    for name in names:
        befall(name)
    try:
        yield
    finally:
        for name in names:
            lab.back(name)


@contextlib.contextmanager
def wrong_content(lab: Lab) -> Iterator[None]:
    page = lab.path_on("oslo", f"{SKI}/index.html")
    content = page.read_bytes()
    page.write_text("<h1>Account suspended</h1>")
    try:
        yield
    finally:
        page.write_bytes(content)


@dataclass(frozen=True)
class Fault:
    """What befalls the fleet, what the message says then and does not say, and what it says when it is over."""

    befalls: Callable[[Lab], AbstractContextManager[None]]
    says: str
    also: tuple[str, ...]
    ends: str


SERVER_DOWN = ("seen from 2 places: 3 sites affected", "1 site has no mirror")
FAULTS = {
    "killed": Fault(
        lambda lab: befallen(lab, lab.drop, "oslo"),
        "oslo is down since",
        (*SERVER_DOWN, "connection refused"),
        "oslo is back after",
    ),
    "frozen": Fault(
        lambda lab: befallen(lab, lab.freeze, "oslo"),
        "oslo is down since",
        (*SERVER_DOWN, "no answer within 2 s"),
        "oslo is back after",
    ),
    "cut-off": Fault(
        lambda lab: befallen(lab, lab.cut_off, "oslo"),
        "oslo is down since",
        (*SERVER_DOWN, "no connection within 2 s"),
        "oslo is back after",
    ),
    "slow": Fault(
        lambda lab: befallen(lab, lambda name: lab.slow(name, pause_s=0.85, run_s=0.1), "oslo"),
        "on oslo",
        ("degraded: ", "to answer, more than 0.3 s"),
        "oslo is no longer degraded, after",
    ),
    "wrong-content": Fault(
        wrong_content,
        "1 site on oslo is failing since",
        ("oslo itself answers: ski.example", "Welcome to ski.example"),
        "ski.example on oslo answers again after",
    ),
    "expired-certificate": Fault(
        lambda lab: faults.expired_certificate(lab, "oslo"),
        "3 sites on oslo are failing since",
        ("its certificate has expired",),
        "Sites on oslo answer again after",
    ),
    "full-disk": Fault(
        lambda lab: faults.full_disk(lab, "oslo", SKI),
        f"oslo is degraded: disk {SKI} 100 % full",
        (),
        "oslo is no longer degraded, after",
    ),
    "lame-name-server": Fault(
        lambda lab: faults.lost_zone(lab, "ns1", "ski.example"),
        "Name server ns1 (Oslo) is lame since",
        ("it does not answer for ski.example",),
        "Name server ns1 answers for all zones again after",
    ),
    "own-link-gone": Fault(
        lambda lab: befallen(lab, lab.cut_off, "oslo", "lima", "primary", "ns1", "ns2", "ns3"),
        "Nothing at all answers this bot since",
        ("its own link may be gone, so nothing is called down",),
        "This bot sees the fleet again after",
    ),
}
