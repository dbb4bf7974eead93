"""Knot DNS as a public name server of the lab (knot.conf(5))."""

import itertools
from pathlib import Path

from lab import programs
from lab.init import DaemonSpec
from lab.name_server import Secondary, is_ipv6
from lab.root_folder import INSIDE


def knot_secondary(folder: Path, role: Secondary) -> DaemonSpec:
    """Write Knot's configuration as a secondary."""
    for inner in ("zones", "run", "db"):
        (folder / inner).mkdir(parents=True, exist_ok=True)
    # After a kill it would be believed: in a new PID namespace the number is some living process's again.
    (folder / "run" / "knot.pid").unlink(missing_ok=True)
    lines = [
        "server:",
        f" listen: {role.at.address}@{role.at.port}",
        f' rundir: "{INSIDE}/run"',
        " udp-workers: 1",
        " tcp-workers: 1",
        " background-workers: 2",
        "log:",
        " - target: stdout",
        "   any: info",
        "database:",
        f' storage: "{INSIDE}/db"',
        " journal-db-max-size: 200M",
        " journal-db-mode: asynchronous",
        "control:",
        f' listen: "{INSIDE}/run/control.sock"',
        "key:",
        *itertools.chain.from_iterable(
            (f" - id: {key.name}", f"   algorithm: {key.algorithm}", f"   secret: {key.secret}")
            for key in (role.transfer, *role.notifiers)
        ),
        "remote:",
        " - id: source",
        f"   address: {role.source.address}@{role.source.port}",
        f"   key: {role.transfer.name}",
    ]
    if is_ipv6(role.source.address) == is_ipv6(role.at.address):
        lines.append(f"   via: {role.at.address}")
    lines += [
        "acl:",
        " - id: told-by-source",
        f"   address: {role.source.address}",
        f"   key: {role.transfer.name}",
        "   action: notify",
        *itertools.chain.from_iterable(
            (f" - id: told-by-{key.name}", f"   key: {key.name}", "   action: notify") for key in role.notifiers
        ),
        "template:",
        " - id: default",
        f'   storage: "{INSIDE}/zones"',
        "   master: source",
        f"   acl: [{', '.join(['told-by-source', *(f'told-by-{key.name}' for key in role.notifiers)])}]",
        "   semantic-checks: off",
        "   zonefile-sync: -1",
        "   zonefile-load: none",
        "   journal-content: all",
        "zone:",
        *(f' - domain: "{zone}"' for zone in role.zones),
    ]
    programs.write(folder / "knot.conf", "\n".join(lines) + "\n")
    argv = [programs.copy_into(folder, "knotd"), "-c", f"{INSIDE}/knot.conf"]
    return {"name": "knotd", "argv": argv, "environ": {}}
