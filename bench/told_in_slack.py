"""A bot that watches servers, with a Slack in which it tells what it sees."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bench.fleets import CHANNEL, PEOPLE
from bench.peers import Target
from bench.peers.sharpnet import bot, fleet_around, login, name_server, site_of, ssh_server
from bench.processes import LOOPBACK
from bench.receiver import Receiver, reading
from lab.slack import LocalSlack

SLACK_PORT = 3230
# Where a second look is taken from: two more servers, with a real sshd. The first has the sites, if there are any.
NEAR, FAR = "near", "far"
VANTAGES = {NEAR: LOOPBACK, FAR: "127.0.0.2"}


@contextlib.contextmanager
def told_in_slack(
    folder: Path, servers: Sequence[Target], banners: int, watch: Mapping[str, object], sites: Sequence[Target] = ()
) -> Iterator[tuple[int, Receiver]]:
    """Run a bot that looks at each server's SSH port, and from two others where one does not answer.

    banners: that port. sites: all on one web server at LOOPBACK. Gives the bot's process id, and what Slack shows.
    """
    folder.mkdir()
    slack = LocalSlack(folder / "slack", port=SLACK_PORT, channel=CHANNEL, users=PEOPLE)
    with name_server(folder) as dns_port, ssh_server(folder, *VANTAGES.values()) as ssh_port, slack:
        places = {name: (address, ssh_port) for name, address in VANTAGES.items()}
        places |= {target.name: (target.address, banners) for target in servers}
        fleet = {
            **fleet_around(dns_port),
            "slack": {"ops_channel": CHANNEL, "operators": PEOPLE, "approvers": PEOPLE},
            "servers": {
                name: {"ipv4": address, "ssh": login(port), "checks": {"host": "off"}}
                | ({"web": {"http": sites[0].port}} if sites and name == NEAR else {})
                for name, (address, port) in places.items()
            },
            "watch": dict(watch),
            "sites": {site.name: site_of(site, NEAR) for site in sites},
        }
        with bot(folder, fleet, slack.env) as pid, reading(slack) as receiver:
            slack.wait_for_bot()
            yield pid, receiver
