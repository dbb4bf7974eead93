"""restic with its repositories on the off-site host, one a server, which only the bot can log in to.

What concerns a site's files is one command on its server, which reaches one repository, to add to it or to read it.
Everything else the bot does itself, with a restic on its own machine. What is wrong is returned as a `Failure`; what
keeps the bot from asking at all is raised: UnreachableError and LoginRefusedError of the server or the off-site host,
SettingsError of the password.
"""

from __future__ import annotations

import asyncio
import json
import posixpath
from dataclasses import replace
from typing import TYPE_CHECKING

from core.backup import restic_output
from core.backup.origin import is_work_folder
from core.backup.repositories import repository_password, repository_path
from core.backup.repository_access import Access, RepositoryAccess
from core.backup.snapshots import dump_name, fleet_tag, site_tag
from core.databases.failures import failure_of_database
from core.errors import SettingsError
from core.failure import Failure, FailureCode
from ops.contracts import DUMPS, HERE, BackupSource, End, SnapshotFiles
from ops.restic import restore_script, script, source_script
from ops.restic.script import line
from ops.understood import understood
from ops.work_folder import WORK_FOLDER, site_key

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from core.backup.snapshots import RecordEnd, SavedSnapshot, Snapshot
    from core.fleet import Database, Fleet, Offsite, SecretRef
    from core.plan.restore import Restore
    from ops.contracts import Ran, RanOffsite, SiteLocation, Ssh
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
        self._passwords: dict[tuple[str, str], bytes] = {}

    async def open(self, repository: str) -> Failure | None:
        """Open the repository, and remove the locks in it; return what stands in the way."""
        return await self._do_here(repository, ["unlock", "--remove-all"], timeout_s=SHORT_S)

    async def probe(self, server: str) -> Failure | None:
        """Open the repository of `server` from there without a change to it. Returns what `open` does."""
        return await self._do(server, script.ANY, ["--no-lock", "cat", "config"], timeout_s=LOOK_S)

    async def make(self, repository: str) -> Failure | None:
        """Make the repository. restic refuses where there is one."""
        return await self._do_here(repository, ["init"], timeout_s=SHORT_S)

    async def survey(self, place: SiteLocation) -> BackupSource | Failure:
        """Return what there is to back up: exactly what a sync would copy."""
        filters = [f"--filter=- {pattern}" for pattern in place.site.exclude]
        words = [*posixpath.split(place.root), f"--filter=- /{WORK_FOLDER}/", *filters]
        command = line(source_script.SURVEY, words)
        ran = await self._ssh.run(place.server, command, timeout_s=SURVEY_S)
        trouble = restic_output.failure_of(ran.exit_code, ran.err, place.server)
        # What rsync cannot read or what vanishes meanwhile (23, 24), restic meets as well, and names.
        if trouble is not None and ran.exit_code not in (23, 24):
            return trouble
        return BackupSource(restic_output.extent(ran.out), restic_output.excluded(ran.out, place.root))

    async def dump(self, place: SiteLocation, database: Database, dumping: str, first: bytes) -> Failure | None:
        """Write what the shell line `dumping` says of a database into a file for the backup."""
        command = line(source_script.DUMP, [*place.place, dump_name(database), dumping])
        ran = await self._ssh.run(place.server, command, timeout_s=LONG_S, stdin=first)
        return failure_of_database(database.name, place.server, "dumped", ran.exit_code, ran.err)

    async def save(
        self, place: SiteLocation, source: BackupSource, record: RecordEnd, *, with_dumps: bool
    ) -> SavedSnapshot | Failure:
        """Make a snapshot of the site; one that lacks unreadable files is made as well."""
        limit = place.site.bandwidth or self._fleet.sync.bandwidth
        words = [
            *("--host", place.server),
            *("--tag", fleet_tag(self._fleet.name), "--tag", site_tag(place.site.name), "--tag", record.tag),
            *([f"--limit-upload={max(1, limit // KILO)}"] if limit else []),
            *("--", place.root, *([place.dumps] if with_dumps else [])),
        ]
        first = b"".join(pattern + b"\n" for pattern in source.patterns) + b"\n"
        words = [site_key(place.site.name), place.root, *words]
        ran = await self._run(place.server, script.SAVE, words, timeout_s=LONG_S, first=first, access=Access.ADD)
        saved = restic_output.saved_of(ran.err, ran.added)
        ended_well = ran.exit_code in (0, restic_output.PARTLY)
        return saved if saved is not None and ended_well else _trouble(ran, place.server)

    async def snapshots(self, repository: str, site: str | None = None) -> tuple[Snapshot, ...] | Failure:
        """Return the snapshots of this fleet in a repository, or of one of its sites, newest first."""
        tags = ",".join([fleet_tag(self._fleet.name), *([site_tag(site)] if site is not None else [])])
        ran = await self._run_here(repository, ["--no-lock", "snapshots", "--json", "--tag", tags], timeout_s=SHORT_S)
        return restic_output.failure_of(ran.exit_code, ran.err, HERE) or restic_output.snapshots(ran.err, repository)

    async def forget(self, repository: str, full_ids: Sequence[str]) -> Failure | None:
        """Let go of these snapshots, and look whether they are gone. Their data stays until `prune`.

        restic 0.17 and 0.18 end well where they could remove none.
        """
        for begin in range(0, len(full_ids), AT_ONCE):
            words = ["forget", *full_ids[begin : begin + AT_ONCE]]
            trouble = await self._do_here(repository, words, timeout_s=SURVEY_S)
            if trouble is not None:
                return trouble
        there = await self.snapshots(repository)
        return there if isinstance(there, Failure) else restic_output.why_still_there(full_ids, there)

    async def prune(self, repository: str) -> Failure | None:
        """Throw away the data that no snapshot needs any more."""
        return await self._do_here(repository, ["prune"], timeout_s=LONG_S)

    async def size(self, repository: str) -> int | Failure:
        """Return how many bytes the repository takes."""
        words = ["--no-lock", "stats", "--mode", "raw-data", "--json"]
        ran = await self._run_here(repository, words, timeout_s=SURVEY_S)
        found = restic_output.total_size(ran.err)
        return found if found is not None else _trouble(ran, HERE)

    async def check(self, repository: str) -> Failure | None:
        """Return what is wrong with the repository's structure, or None."""
        return await self._do_here(repository, ["--no-lock", "check"], timeout_s=LONG_S)

    async def choose(
        self, place: SiteLocation, snapshot: Snapshot, dumps: str, want: int, most_bytes: int, seed: int
    ) -> SnapshotFiles | Failure:
        """Choose files of a snapshot: the newest, the largest under `most_bytes`, `want` at random, and all dumps."""
        words = [snapshot.full_id, str(want), str(most_bytes), str(seed), json.dumps(dumps, ensure_ascii=False)[1:-1]]
        ran = await self._run(place.server, script.CHOOSE, words, timeout_s=SURVEY_S, repository=snapshot.repository)
        trouble = restic_output.failure_of(ran.exit_code, ran.err, place.server)
        with understood(place.server, "which files a snapshot has"):
            return trouble if trouble is not None else SnapshotFiles(*restic_output.chosen(ran.err))

    async def sample(self, place: SiteLocation, snapshot: Snapshot, paths: Sequence[str]) -> Failure | None:
        """Restore those paths of a snapshot into a folder of ours in the work folder."""
        words = [snapshot.full_id, *map(_include, paths)]
        return await self._do(
            place.server,
            restore_script.SAMPLE,
            words,
            timeout_s=LONG_S,
            before=place.place,
            repository=snapshot.repository,
        )

    async def root_state(self, place: SiteLocation) -> str | Failure:
        """Return what lies at the site's root: `missing`, `empty` or `files`."""
        command = line(source_script.THERE, posixpath.split(place.root))
        ran = await self._ssh.run(place.server, command, timeout_s=SHORT_S)
        return ran.out.decode("ascii", "replace").strip() or _trouble(ran, place.server)

    async def settled(self, place: SiteLocation) -> SiteLocation | Failure:
        """Return the place with the work folder that it really has: where no customer could put another."""
        ran = await self._ssh.run(place.server, line(source_script.WORK, place.place), timeout_s=SHORT_S)
        found = ran.out.decode("utf-8", "replace")
        if ran.exit_code != 0 or not is_work_folder(found, place.work):
            return _trouble(ran, place.server)
        return replace(place, work_there=found)

    async def restore(self, place: SiteLocation, restore: Restore, run: str, turn: Turn) -> Failure | None:
        """Make the content of a snapshot ready beside the root, for `ops.rsync.mirror.publish` to exchange.

        turn: the run's own; it is refused where another has begun there since.
        Once `run` was put in place it changes nothing any more.
        """
        site = place.site
        filters = [f"--filter=- /{WORK_FOLDER}/", *(f"--filter=- {pattern}" for pattern in site.exclude)]
        paths = [restore.root, restore.dumps, _include(restore.root), _include(restore.dumps or restore.root)]
        words = [run, turn.name, restore.full_id or restore.snapshot, *paths, site.owner.get(place.server, "")]
        words += filters
        return await self._do(
            place.server,
            restore_script.RESTORE,
            words,
            timeout_s=LONG_S,
            before=place.place,
            repository=restore.repository,
        )

    def restored_dump(self, place: SiteLocation, restore: Restore, database: Database) -> str:
        """Return where `restore` has put a database's dump."""
        return f"{place.work}/{restore_script.RESTORED}{restore.dumps}/{dump_name(database)}"

    async def give_up(self, place: SiteLocation, turn: Turn) -> None:
        """Throw away what `restore` has made in `turn`; what is there stays as it is."""
        command = line(restore_script.GIVE_UP, [*place.place, turn.name])
        await self._ssh.run(place.server, command, timeout_s=SURVEY_S)

    async def compare(
        self, place: SiteLocation, pairs: Sequence[tuple[str, str]]
    ) -> tuple[tuple[str, str, int], ...] | Failure:
        """Return for each (saved path, path in the root) both hashes, `-` for no file, and when the live one changed.

        Of the saved ones, what `sample` has restored is read.
        """
        stdin = b"".join(path.lstrip("/").encode() + b"\0" for pair in pairs for path in pair)
        command = line(restore_script.COMPARE, place.place)
        ran = await self._ssh.run(place.server, command, timeout_s=SURVEY_S, stdin=stdin)
        rows = restic_output.compared(ran.out)
        whole = ran.exit_code == 0 and rows is not None and len(rows) == len(pairs)
        return rows if whole and rows is not None else _trouble(ran, place.server)

    async def broken_dumps(self, place: SiteLocation, paths: Sequence[str]) -> tuple[str, ...] | Failure:
        """Return those of the saved `paths` that `sample` has restored and that do not end as a complete dump does."""
        stdin = b"".join(path.lstrip("/").encode() + b"\0" for path in paths)
        ran = await self._ssh.run(place.server, line(restore_script.ENDS, place.place), timeout_s=SURVEY_S, stdin=stdin)
        ends = ran.out.decode("ascii", "replace").split()
        if ran.exit_code != 0 or len(ends) != len(paths):
            return _trouble(ran, place.server)
        return tuple(path for path, end in zip(paths, ends, strict=True) if end != "whole")

    async def remove(self, place: SiteLocation, *, sampled: bool) -> None:
        """Remove what `sample` has restored, or the dumps."""
        words = [*place.place, restore_script.SAMPLED if sampled else DUMPS]
        await self._ssh.run(place.server, line(source_script.REMOVE, words), timeout_s=SURVEY_S)

    async def _do(
        self,
        server: str,
        text: str,
        words: Sequence[str],
        *,
        timeout_s: float,
        before: Sequence[str] = (),
        repository: str | None = None,
    ) -> Failure | None:
        """Run a script that reads a repository, and whose answer is how it ended."""
        ran = await self._run(server, text, words, timeout_s=timeout_s, before=before, repository=repository)
        return restic_output.failure_of(ran.exit_code, ran.err, server)

    async def _do_here(self, repository: str, words: Sequence[str], *, timeout_s: float) -> Failure | None:
        ran = await self._run_here(repository, words, timeout_s=timeout_s)
        return restic_output.failure_of(ran.exit_code, ran.err, HERE)

    async def _run(
        self,
        server: str,
        text: str,
        words: Sequence[str],
        *,
        timeout_s: float,
        first: bytes = b"",
        before: Sequence[str] = (),
        repository: str | None = None,
        access: Access = Access.READ,
    ) -> RanOffsite:
        """Run a script on a server, which reaches one repository on the off-site host; None: its own."""
        repository = server if repository is None else repository
        path = repository_path(self._offsite.path, repository)
        command = line(text, [*before, path, *words])
        end = End(server, command, await self._password(repository) + b"\n" + first)
        return await self._ssh.with_offsite(end, RepositoryAccess(path, access), timeout_s=timeout_s)

    async def _run_here(self, repository: str, words: Sequence[str], *, timeout_s: float) -> Ran:
        """Run restic on the bot's own machine."""
        command = line(script.ANY, [repository_path(self._offsite.path, repository), *words])
        return await self._ssh.from_here(command, await self._password(repository) + b"\n", timeout_s=timeout_s)

    async def _password(self, repository: str) -> bytes:
        password = self._secret(self._offsite.password)
        if "\n" in password or "\0" in password:
            raise SettingsError(
                "offsite.password: it has a line break, which restic's environment is not given.",
                hint="Use a password of one line.",
            )
        known = repository, password
        if known not in self._passwords:
            made = await asyncio.to_thread(repository_password, password.encode(), repository)
            self._passwords[known] = made
        return self._passwords[known]


def _include(path: str) -> str:
    """Return the option by which restic restores exactly `path`, and what is in it."""
    return f"--include={restic_output.escaped(path.encode()).decode()}"


def _trouble(ran: Ran, server: str) -> Failure:
    return restic_output.failure_of(ran.exit_code, ran.err, server) or Failure(
        FailureCode.RESTIC, f"restic on {server} did not say what it has done", "Is it the one from Debian?"
    )
