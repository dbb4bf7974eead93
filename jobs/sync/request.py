"""What is asked of syncs, whoever asks: a person, the clock, or a cutover."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SyncRequest:
    """What was asked of a sync.

    who: as the record names them. dry_run: only look. allow_delete: any number of files may go. take_active: a
    quarantined mirror may be filled, which ends its quarantine. claimed_by: who holds the site and goes on holding it.
    checksum: read every file to compare it, where its size and time say that it is the same too. served_from: the
    server that a person says serves the sites; it counts where DNS does not tell.
    """

    who: str
    dry_run: bool = False
    allow_delete: bool = False
    take_active: bool = False
    claimed_by: str | None = None
    checksum: bool = False
    served_from: str | None = None
