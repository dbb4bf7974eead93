"""restic on the fleet's servers, with its repository on the off-site host, which only the bot can log in to.

Each method is one command on a server. What is wrong is returned as a `Failure`; what keeps the bot from asking at all
is raised: UnreachableError and LoginRefusedError of the server or the off-site host, SettingsError of the password.
"""

from __future__ import annotations

import json
import posixpath
import shlex
from typing import TYPE_CHECKING

from core.backup import restic_output
from core.backup.snapshots import dump_name, fleet_tag, keep_options, site_tag
from core.databases.failures import failure_of_database
from core.errors import SettingsError
from core.failure import Failure, FailureCode
from ops.contracts import BackupSource, End, Ran, SnapshotFiles
from ops.restic import script
from ops.understood import understood
from ops.work_folder import WORK_FOLDER, site_key

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from core.backup.snapshots import SavedSnapshot, Snapshot
    from core.fleet import Database, Fleet, Offsite, SecretRef
    from core.plan.restore import Restore
    from ops.contracts import SiteLocation, Ssh
    from ops.work_folder import Turn

SHORT_S = 300.0
LOOK_S = 60.0
LONG_S = 12 * 3600.0
SURVEY_S = 3600.0
KILO = 1024
# What one command line is given at most: a Linux argument list holds 2 MiB.
AT_ONCE = 200


class ResticRepository:
    """Implements `ops.contracts.Restic`. `secret` reads the repository's password."""

    def __init__(self, fleet: Fleet, offsite: Offsite, ssh: Ssh, secret: Callable[[SecretRef], str]) -> None:
        self._fleet = fleet
        self._offsite = offsite
        self._ssh = ssh
        self._secret = secret

    async def open(self, server: str) -> Failure | None:
        """Open the repository, and remove the locks of those who died; return what stands in the way."""
        return await self._do(server, script.ANY, ["unlock"], timeout_s=SHORT_S)

    async def probe(self, server: str) -> Failure | None:
        """Open the repository from `server` without a change to it, not even a lock. Returns what `open` does."""
        return await self._do(server, script.ANY, ["--no-lock", "cat", "config"], timeout_s=LOOK_S)

    async def make(self, server: str) -> Failure | None:
        """Make the repository. restic refuses where there is one."""
        return await self._do(server, script.ANY, ["init"], timeout_s=SHORT_S)

    async def survey(self, place: SiteLocation) -> BackupSource | Failure:
        """Return what there is to back up: exactly what a sync would copy."""
        filters = [f"--filter=- {pattern}" for pattern in place.site.exclude]
        command = line(script.SURVEY, [place.root, f"--filter=- /{WORK_FOLDER}/", *filters])
        ran = await self._ssh.run(place.server, command, timeout_s=SURVEY_S)
        trouble = restic_output.failure_of(ran.exit_code, ran.err, place.server)
        # What rsync cannot read or what vanishes meanwhile (23, 24), restic meets as well, and names.
        if trouble is not None and ran.exit_code not in (23, 24):
            return trouble
        return BackupSource(restic_output.extent(ran.out), restic_output.excluded(ran.out, place.root))

    async def dump(self, place: SiteLocation, database: Database, dumping: str, first: bytes) -> Failure | None:
        """Write what the shell line `dumping` says of a database into a file for the backup."""
        command = line(script.DUMP, [place.dumps, dump_name(database), dumping])
        ran = await self._ssh.run(place.server, command, timeout_s=LONG_S, stdin=first)
        return failure_of_database(database.name, place.server, "dumped", ran.exit_code, ran.err)

    async def save(self, place: SiteLocation, source: BackupSource, *, with_dumps: bool) -> SavedSnapshot | Failure:
        """Make a snapshot of the site; one that lacks unreadable files is made as well."""
        limit = place.site.bandwidth or self._fleet.sync.bandwidth
        words = [
            *("--host", place.server),
            *("--tag", fleet_tag(self._fleet.name), "--tag", site_tag(place.site.name)),
            *([f"--limit-upload={max(1, limit // KILO)}"] if limit else []),
            *("--", place.root, *([place.dumps] if with_dumps else [])),
        ]
        first = b"".join(pattern + b"\n" for pattern in source.patterns) + b"\n"
        ran = await self._run(
            place.server, script.SAVE, [site_key(place.site.name), *words], timeout_s=LONG_S, first=first
        )
        saved = restic_output.saved_of(ran.err)
        ended_well = ran.exit_code in (0, restic_output.PARTLY)
        return saved if saved is not None and ended_well else _trouble(ran, place.server)

    async def snapshots(self, server: str, site: str | None = None) -> tuple[Snapshot, ...] | Failure:
        """Return the snapshots of this fleet, or of one of its sites, newest first."""
        tags = ",".join([fleet_tag(self._fleet.name), *([site_tag(site)] if site is not None else [])])
        ran = await self._run(server, script.ANY, ["snapshots", "--json", "--tag", tags], timeout_s=SHORT_S)
        with understood(server, "which snapshots there are"):
            return restic_output.failure_of(ran.exit_code, ran.err, server) or restic_output.snapshots(ran.err)

    async def forget(self, server: str, sites: Sequence[str]) -> Failure | None:
        """Let go of the snapshots of `sites` that `offsite.keep` does not keep. Their data stays until `prune`."""
        keep = keep_options(self._offsite.keep)
        for begin in range(0, len(sites) if keep else 0, AT_ONCE):
            some = sites[begin : begin + AT_ONCE]
            tags = [f"--tag={fleet_tag(self._fleet.name)},{site_tag(site)}" for site in some]
            words = ["forget", "--group-by", "tags", *tags, *keep]
            trouble = await self._do(server, script.ANY, words, timeout_s=SURVEY_S)
            if trouble is not None:
                return trouble
        return None

    async def prune(self, server: str) -> Failure | None:
        """Throw away the data that no snapshot needs any more."""
        return await self._do(server, script.ANY, ["prune"], timeout_s=LONG_S)

    async def size(self, server: str) -> int | Failure:
        """Return how many bytes the repository takes."""
        ran = await self._run(server, script.ANY, ["stats", "--mode", "raw-data", "--json"], timeout_s=SURVEY_S)
        found = restic_output.total_size(ran.err)
        return found if found is not None else _trouble(ran, server)

    async def check(self, server: str) -> Failure | None:
        """Return what is wrong with the repository's structure, or None."""
        return await self._do(server, script.ANY, ["check"], timeout_s=LONG_S)

    async def choose(
        self, place: SiteLocation, snapshot: Snapshot, dumps: str, want: int, most_bytes: int, seed: int
    ) -> SnapshotFiles | Failure:
        """Choose files of a snapshot: the newest, the largest under `most_bytes`, `want` at random, and all dumps."""
        words = [snapshot.full_id, str(want), str(most_bytes), str(seed), json.dumps(dumps, ensure_ascii=False)[1:-1]]
        ran = await self._run(place.server, script.CHOOSE, words, timeout_s=SURVEY_S)
        trouble = restic_output.failure_of(ran.exit_code, ran.err, place.server)
        with understood(place.server, "which files a snapshot has"):
            return trouble if trouble is not None else SnapshotFiles(*restic_output.chosen(ran.err))

    async def sample(
        self, place: SiteLocation, snapshot: Snapshot, scratch: str, paths: Sequence[str]
    ) -> Failure | None:
        """Restore those paths of a snapshot below the folder `scratch`."""
        words = [scratch, snapshot.full_id, *map(_include, paths)]
        return await self._do(place.server, script.SAMPLE, words, timeout_s=LONG_S)

    async def root_state(self, place: SiteLocation) -> str | Failure:
        """Return what lies at the site's root: `missing`, `empty` or `files`."""
        ran = await self._ssh.run(place.server, line(script.THERE, [place.root]), timeout_s=SHORT_S)
        return ran.out.decode("ascii", "replace").strip() or _trouble(ran, place.server)

    async def restore(self, place: SiteLocation, restore: Restore, run: str, turn: Turn) -> Failure | None:
        """Make the content of a snapshot ready beside the root, for `ops.rsync.mirror.publish` to exchange.

        turn: the run's own; it is refused where another has begun there since.
        Once `run` was put in place it changes nothing any more.
        """
        site = place.site
        before = [place.root, posixpath.dirname(place.root), place.work]
        filters = [f"--filter=- /{WORK_FOLDER}/", *(f"--filter=- {pattern}" for pattern in site.exclude)]
        paths = [restore.root, restore.dumps, _include(restore.root), _include(restore.dumps or restore.root)]
        words = [run, turn.name, restore.full_id or restore.snapshot, *paths, site.owner.get(place.server, "")]
        return await self._do(place.server, script.RESTORE, [*words, *filters], timeout_s=LONG_S, before=before)

    def restored_dump(self, place: SiteLocation, restore: Restore, database: Database) -> str:
        """Return where `restore` has put a database's dump."""
        return f"{place.work}/{script.RESTORED}{restore.dumps}/{dump_name(database)}"

    async def give_up(self, place: SiteLocation, turn: Turn) -> None:
        """Throw away what `restore` has made in `turn`; what is there stays as it is."""
        before = [place.root, posixpath.dirname(place.root), place.work]
        await self._ssh.run(place.server, line(script.GIVE_UP, [*before, turn.name]), timeout_s=SURVEY_S)

    async def compare(
        self, server: str, pairs: Sequence[tuple[str, str]]
    ) -> tuple[tuple[str, str, int], ...] | Failure:
        """Return for each (restored, live) path both hashes, `-` for no file, and when the live one last changed."""
        stdin = b"".join(path.encode() + b"\0" for pair in pairs for path in pair)
        ran = await self._ssh.run(server, line(script.COMPARE, []), timeout_s=SURVEY_S, stdin=stdin)
        rows = restic_output.compared(ran.out)
        return rows if ran.exit_code == 0 and rows is not None and len(rows) == len(pairs) else _trouble(ran, server)

    async def broken_dumps(self, server: str, paths: Sequence[str]) -> tuple[str, ...] | Failure:
        """Return those of `paths` that do not end as a complete dump does."""
        stdin = b"".join(path.encode() + b"\0" for path in paths)
        ran = await self._ssh.run(server, line(script.ENDS, []), timeout_s=SURVEY_S, stdin=stdin)
        ends = ran.out.decode("ascii", "replace").split()
        if ran.exit_code != 0 or len(ends) != len(paths):
            return _trouble(ran, server)
        return tuple(path for path, end in zip(paths, ends, strict=True) if end != "whole")

    async def remove(self, server: str, path: str) -> None:
        """Remove a folder of ours, or a file."""
        await self._ssh.run(server, line(script.REMOVE, [path]), timeout_s=SURVEY_S)

    async def _do(
        self, server: str, text: str, words: Sequence[str], *, timeout_s: float, before: Sequence[str] = ()
    ) -> Failure | None:
        """Run a script whose answer is how it ended."""
        ran = await self._run(server, text, words, timeout_s=timeout_s, before=before)
        return restic_output.failure_of(ran.exit_code, ran.err, server)

    async def _run(
        self,
        server: str,
        text: str,
        words: Sequence[str],
        *,
        timeout_s: float,
        first: bytes = b"",
        before: Sequence[str] = (),
    ) -> Ran:
        """Run a script whose input and output are the off-site host's SFTP server."""
        command = line(text, [*before, self._offsite.path, *words])
        end = End(server, command, self._password() + b"\n" + first)
        return await self._ssh.with_offsite(end, timeout_s=timeout_s)

    def _password(self) -> bytes:
        password = self._secret(self._offsite.password)
        if "\n" in password or "\0" in password:
            raise SettingsError(
                "offsite.password: it has a line break, which restic's environment is not given.",
                hint="Use a password of one line.",
            )
        return password.encode()


def line(text: str, words: Sequence[str]) -> str:
    """Return the shell line that runs a script with arguments."""
    return " ".join(["exec", "sh", "-c", shlex.quote(text), "sharpnet-backup", *(shlex.quote(word) for word in words)])


def _include(path: str) -> str:
    """Return the option by which restic restores exactly `path`, and what is in it."""
    return f"--include={restic_output.escaped(path.encode()).decode()}"


def _trouble(ran: Ran, server: str) -> Failure:
    return restic_output.failure_of(ran.exit_code, ran.err, server) or Failure(
        FailureCode.RESTIC, f"restic on {server} did not say what it has done", "Is it the one from Debian?"
    )
