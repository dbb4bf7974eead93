"""NSD as a public name server of the lab (nsd.conf(5))."""

import itertools
from pathlib import Path

from lab import programs
from lab.init import DaemonSpec
from lab.name_server import Secondary, is_ipv6
from lab.root_folder import INSIDE

_FEW_ZONES = 50


def nsd_secondary(folder: Path, role: Secondary) -> DaemonSpec:
    """Write NSD's configuration as a secondary."""
    (folder / "zones").mkdir(parents=True, exist_ok=True)
    source = f"{role.source.address}@{role.source.port}"
    # At once is faster for one zone, and costs three times the CPU where many change together.
    reload_after_s = 0 if len(role.zones) <= _FEW_ZONES else 1
    lines = [
        "server:",
        f" ip-address: {role.at.address}@{role.at.port}",
        " server-count: 1",
        ' username: ""',
        ' chroot: ""',
        ' database: ""',
        f' zonesdir: "{INSIDE}/zones"',
        f' zonelistfile: "{INSIDE}/zone.list"',
        f' xfrdfile: "{INSIDE}/xfrd.state"',
        f' xfrdir: "{INSIDE}"',
        f' pidfile: "{INSIDE}/nsd.pid"',
        f' logfile: "{INSIDE}/log/nsd-detail.log"',
        " verbosity: 1",
        f" xfrd-reload-timeout: {reload_after_s}",
        " zonefiles-write: 10",
        " rrl-ratelimit: 0",
        " xfrd-tcp-max: 32",
        " xfrd-tcp-pipeline: 128",
        " tcp-count: 100",
        "remote-control:",
        " control-enable: no",
        *itertools.chain.from_iterable(
            ("key:", f' name: "{key.name}"', f" algorithm: {key.algorithm}", f' secret: "{key.secret}"')
            for key in (role.transfer, *role.notifiers)
        ),
        "pattern:",
        ' name: "secondary"',
        ' zonefile: "%s.zone"',
        f" allow-notify: {role.source.address} {role.transfer.name}",
        *(f" allow-notify: {anywhere} {key.name}" for key in role.notifiers for anywhere in ("0.0.0.0/0", "::/0")),
        f" request-xfr: {source} {role.transfer.name}",
        " allow-axfr-fallback: yes",
    ]
    if is_ipv6(role.source.address) == is_ipv6(role.at.address):
        lines.append(f" outgoing-interface: {role.at.address}")
    for zone in role.zones:
        lines += ["zone:", f' name: "{zone}"', ' include-pattern: "secondary"']
    programs.write(folder / "nsd.conf", "\n".join(lines) + "\n")
    argv = [programs.copy_into(folder, "nsd"), "-d", "-c", f"{INSIDE}/nsd.conf"]
    return {"name": "nsd", "argv": argv, "environ": {}}
