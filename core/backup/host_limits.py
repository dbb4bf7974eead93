"""Whether the off-site host lets the bot's key do more than backups need: what whoever steals that key could do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.failure import Failure, FailureCode
from core.wording import listing

if TYPE_CHECKING:
    from collections.abc import Mapping

# What a shell says when it is asked to.
SHELL_ANSWER = "sharpnet-has-a-shell"
# From the folder that the login begins in. Whoever may change one of them may let anybody in.
KEYS = (".", ".ssh", ".ssh/authorized_keys")
ANYBODY_WRITES = 0o002


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a path is, by number, and its mode."""

    uid: int
    mode: int


def looked_at(path: str) -> tuple[str, ...]:
    """Return the paths whose owners tell. path: `offsite.path`."""
    return (*KEYS, path)


def changeable(owners: Mapping[str, Owner], path: str) -> tuple[str, ...]:
    """Return what of the keys the login may change: what belongs to whoever owns the backups, or anybody may write.

    owners: of the paths that are there. path: `offsite.path`.
    """
    backups = owners.get(path)
    return tuple(
        name
        for name in KEYS
        if (one := owners.get(name)) is not None
        and (one.mode & ANYBODY_WRITES or (backups is not None and one.uid == backups.uid))
    )


def why_too_much(keys: tuple[str, ...], *, has_shell: bool) -> Failure | None:
    """Return what the login may do that backups do not need, or None."""
    said = [
        *(["it has a shell"] if has_shell else []),
        *([f"it may let others in: it may change {listing(keys)}"] if keys else []),
    ]
    if not said:
        return None
    return Failure(
        FailureCode.OFFSITE_OPEN,
        " and ".join(said),
        "Servers get no further than their own backups, but whoever steals the bot's key would. docs/backup.md has a "
        "setup that closes it.",
    )
