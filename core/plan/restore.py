"""Bringing one site back from its off-site backup: what that is, exactly, and what it would replace."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from core.plan.verdict import Level, Verdict
from core.wording import ago, from_stamp, listing, stamp

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

MISSING, EMPTY, FILES = "missing", "empty", "files"
# What has come later is left out where it says nothing, so that a plan made before it keeps its digest.
_LATER: Mapping[str, object] = {"full_id": "", "recorded": True, "repository": ""}


@dataclass(frozen=True, slots=True)
class Restore:
    """One site brought back to one server from one backup.

    snapshot: its id, and full_id the whole of it; taken_at, taken_on: when, and from which server. root, dumps: what
    was saved there, the site's files and its databases' dumps; empty: none. there: what is at the site's root on the
    server now, `missing`, `empty` or `files`. databases: the names of those that it loads; databases_there: those of
    them that the server has. served: whether the server serves the site. quarantined: whether its copy is. recorded:
    whether the bot's record knows the backup; otherwise it is the repository's word, and as app.yaml has it.
    repository: which one it lies in (`core.backup.repositories`).
    """

    kind: ClassVar[str] = "restore"
    site: str
    server: str
    snapshot: str
    taken_at: datetime
    taken_on: str
    root: str
    dumps: str = ""
    there: str = FILES
    databases: tuple[str, ...] = ()
    databases_there: tuple[str, ...] = ()
    served: bool = False
    quarantined: bool = False
    full_id: str = ""
    recorded: bool = True
    repository: str = ""

    @property
    def needs_approval(self) -> bool:
        """Whether somebody has to approve it: something is there, visitors are sent there, or no record knows it."""
        return self.there == FILES or self.served or bool(self.databases_there) or not self.recorded

    @property
    def title(self) -> str:
        """What it does: `restore of shop on us`."""
        return f"restore of {self.site} on {self.server}"


def restore_to_json(restore: Restore) -> dict[str, Any]:
    """Return plain JSON values, from which `restore_from_json` makes an equal Restore."""
    plain = {**asdict(restore), "taken_at": stamp(restore.taken_at)}
    return {key: value for key, value in plain.items() if key not in _LATER or value != _LATER[key]}


def restore_from_json(plain: Mapping[str, Any]) -> Restore:
    """Read what `restore_to_json` returned, after JSON has made lists of its tuples."""
    names = {key: tuple(plain[key]) for key in ("databases", "databases_there")}
    return Restore(**{**plain, **names, "taken_at": from_stamp(plain["taken_at"])})


def warnings_of(restore: Restore, now: datetime) -> tuple[Verdict, ...]:
    """Return what whoever approves a restore has to know."""
    found = []
    age = ago(restore.taken_at, now)
    if not restore.recorded:
        text = f"no record confirms this backup: that it is {restore.site}'s, and its time, is what the repository says"
        hint = f"{restore.taken_on} could have written it whenever it liked. Its paths and tags are as in app.yaml."
        found.append(Verdict("unconfirmed", Level.WARN, text, hint))
    if restore.served:
        text = f"{restore.server} serves it: visitors see what it was {age}; what was written since stays recoverable"
        found.append(Verdict("served", Level.WARN, text))
    elif restore.there == FILES:
        text = (
            f"the copy on {restore.server} is replaced by what the site was {age}; the next sync makes it fresh again"
        )
        found.append(Verdict("replaced", Level.WARN, text))
    if restore.databases_there:
        names = listing(restore.databases_there)
        text = f"replaced on {restore.server} too: {names}; what is there now is kept under another name"
        found.append(Verdict("databases", Level.WARN, text))
    if restore.quarantined:
        text = f"the copy on {restore.server} is quarantined: nobody has chosen yet what of it is kept"
        found.append(
            Verdict("quarantine", Level.WARN, text, "What it has now stays recoverable; the quarantine stays.")
        )
    return tuple(found)


def differences(shown: Restore, now: Restore | None) -> tuple[str, ...]:
    """Say what is no longer as it was shown. now: the same looked at again; None: the backup is gone."""
    if now is None or _what_of(now) != _what_of(shown):
        return (f"the backup {shown.snapshot} is no longer what would be restored",)
    said = []
    if now.served != shown.served:
        said.append(f"{shown.server} {'serves it now' if now.served else 'does not serve it any more'}")
    if now.there != shown.there:
        said.append(f"what lies at its root on {shown.server} is another: {now.there}, not {shown.there}")
    if now.quarantined != shown.quarantined:
        said.append(f"the copy there is {'quarantined now' if now.quarantined else 'no longer quarantined'}")
    if (now.databases, now.databases_there) != (shown.databases, shown.databases_there):
        said.append("its databases are others")
    return tuple(said)


def _what_of(restore: Restore) -> tuple[object, ...]:
    """Return what comes from where."""
    return restore.snapshot, restore.full_id, restore.root, restore.dumps, restore.recorded, restore.repository
