"""What backups claim, and the off-site repository that a fleet has or has not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.errors import RefusedError

if TYPE_CHECKING:
    from ops.contracts import Restic
    from ops.ports import Ports

# Everything that changes the repository, one at a time a fleet; a site that is being backed up has a claim of its own,
# which is none on the site: a backup never stands in the way of a failover.
REPOSITORY = "backup"


def site_claim(site: str) -> str:
    """Return the name of the claim on the backup of a site."""
    return f"backup:{site}"


def offsite_of(ports: Ports) -> Restic:
    """Return the fleet's off-site backups. Raises RefusedError where it has none."""
    if ports.restic is None:
        raise RefusedError(
            "This fleet has no off-site host to back up to.",
            hint="Write the section offsite into app.yaml; docs/backup.md says how.",
        )
    return ports.restic
