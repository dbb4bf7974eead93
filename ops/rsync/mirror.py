"""One site copied to one mirror: the mirror pulls from the source with rsync over SSH, with its own key.

Three phases, each one command on the mirror: `dry_run` says what would change and changes nothing; `fill` makes the
next content beside the present one; `publish` exchanges the two. Only the last one touches what is served, and it is
over in an instant. A phase that was killed can be run again (see `ops.rsync.script`).
"""

from __future__ import annotations

import posixpath
import secrets
import shlex
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from core.failure import Failure, FailureCode
from core.sync.failures import attributes_refused, failure_of
from core.sync.root_link import is_within
from core.sync.rsync_output import OUT_FORMAT, OutputReader, why_not_apply
from ops.rsync.from_root import starting_in
from ops.rsync.peer import has_wildcard, is_limited, limited_root, remote_shell, source_of
from ops.rsync.script import FILL, LOOK, SWAP
from ops.work_folder import WORK_FOLDER, work_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta

    from core.fleet import Server, Site
    from ops.contracts import Ran, Ssh
    from ops.work_folder import Turn

LOOK_S = 1800.0
FILL_S = 12 * 3600.0
SWAP_S = 1800.0
# rsync gives up when nothing has moved for so long.
STALLED_S = 600
# A file is read whole on both sides before either has anything to say about it.
READING_S = 3600
STAMP = "%Y%m%dT%H%M%SZ"
ROOT = "root"
EVERYTHING = "-aHAX"
# A hole in a file stays one.
FILLING = ("--sparse", "--info=stats2,progress2")
ATTRIBUTES = (EVERYTHING, "-aH")
# What a site's owner could not make there must not come there by root's hand. The mirror sees to it, whatever is sent.
POWERLESS = ("--no-devices", "--chmod=Fug-s")


@dataclass(frozen=True, slots=True)
class MirrorCopy:
    """One site, from one server to another one. Both hold it, and the mirror has a peer key.

    checksum: files are read to be compared; otherwise those of the same size and time are taken to be the same.
    bandwidth: the most that it may take, in bytes a second. control_socket: on the mirror, of a connection that is
    shared; None: a connection of its own.
    """

    site: Site
    source: Server
    mirror: Server
    checksum: bool = False
    bandwidth: int | None = None
    control_socket: str | None = None

    @property
    def root(self) -> str:
        """The path of the site's content on the mirror."""
        return posixpath.normpath(self.site.root_on(self.mirror.name))

    @property
    def work(self) -> str:
        """The folder on the mirror for everything that is not served."""
        return work_folder(self.root, self.site.name, self.site.work_on(self.mirror.name))

    @property
    def place(self) -> tuple[str, str, str]:
        """What every script that works there gets first: the root, the folder around it, the work folder."""
        return self.root, posixpath.dirname(self.root), self.work


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a dry run found. preserved_attributes: those of a file that both sides can keep, as an option of rsync.

    note: what the copy does not have of the original; empty where it has all.
    """

    output: OutputReader
    preserved_attributes: str
    note: str = ""


def why_not_copy(copy: MirrorCopy) -> Failure | None:
    """Return why the mirror cannot ask the source for this site as app.yaml has it, or None."""
    if copy.mirror.peer is None:
        return Failure(
            FailureCode.NO_PEER_KEY,
            f"{copy.mirror.name} has no key to read from {copy.source.name} with",
            f"Give servers.{copy.mirror.name}.peer in app.yaml.",
            refused=True,
        )
    if not is_limited(copy.source):
        return None
    limited_to = limited_root(copy.source)
    if limited_to is not None and not is_within(source_root(copy), limited_to):
        return Failure(
            FailureCode.LIMITED_KEY,
            f"the root is outside {limited_to}, the only directory that {copy.source.name} lets others read",
            f"Change servers.{copy.source.name}.peer.limited_to, there and in its authorized_keys.",
            refused=True,
        )
    if "\n" in _asked_root(copy):
        return Failure(
            FailureCode.CANNOT_NAME,
            f"the root on {copy.source.name} has a line break in its name, which a limited key cannot name",
            "Rename it.",
            refused=True,
        )
    if limited_to is None and has_wildcard(_asked_root(copy)):
        return Failure(
            FailureCode.CANNOT_NAME,
            f"the root on {copy.source.name} has *, ? or [ in its name, which a key for single roots cannot name",
            "Rename it, or limit the keys to a directory.",
            refused=True,
        )
    return None


async def dry_run(ssh: Ssh, copy: MirrorCopy, *, but_newer: bool = False) -> DryRun | Failure:
    """Return what would change on the mirror. `but_newer`: leave out files that are newer there.

    Raises UnreachableError, LoginRefusedError: the mirror itself could not be asked.
    """
    extra = [*(["--update"] if but_newer else []), "--delete", f"--out-format={OUT_FORMAT}", "--info=stats2"]
    # Read as it comes: of a million files it is more than is held of one server.
    output = OutputReader()
    ran, preserved_attributes = await run_reading(ssh, copy, LOOK, [], extra, timeout_s=LOOK_S, on_output=output.feed)
    trouble = failure_on(ran, copy)
    if trouble is not None:
        return trouble
    output.end()
    return DryRun(output, preserved_attributes, _note(copy, preserved_attributes))


async def run_reading(
    ssh: Ssh,
    copy: MirrorCopy,
    script: str,
    own: list[str],
    extra: list[str],
    *,
    timeout_s: float,
    stdin: bytes = b"",
    on_output: Callable[[bytes], None] | None = None,
) -> tuple[Ran, str]:
    """Run a script on the mirror with rsync's words for reading from the source, and as many attributes as both keep.

    own: the script's own arguments; extra: more options of rsync; on_output: as `Ssh.run` has it. Returns how it ended,
    and which attributes those are.
    Raises UnreachableError, LoginRefusedError: the mirror itself could not be asked.
    """
    for preserved_attributes in ATTRIBUTES:
        command = command_line(script, copy, own, [preserved_attributes, *extra, *options_of(copy)])
        ran = await ssh.run(copy.mirror.name, command, timeout_s=timeout_s, stdin=stdin, on_output=on_output)
        if not attributes_refused(ran.exit_code, ran.err):
            break
    return ran, preserved_attributes


async def fill(
    ssh: Ssh,
    copy: MirrorCopy,
    run: str,
    turn: Turn,
    compared: DryRun,
    most_deletes: int | None,
    on_progress: Callable[[int], None],
) -> DryRun | Failure:
    """Make the next content on the mirror ready for the run `run`, beside the present one, which stays as it is.

    turn: the run's own; it is refused where another has begun since. most_deletes: how many files and folders may go;
    None: any number. on_progress gets the bytes that have arrived.
    Raises UnreachableError, LoginRefusedError: what has arrived is kept for the next time.
    """
    limit = [f"--max-delete={most_deletes}"] if most_deletes is not None else []
    for preserved_attributes in dict.fromkeys((compared.preserved_attributes, ATTRIBUTES[-1])):
        progress = OutputReader()
        on_output = partial(_take_progress, progress, on_progress)
        how = "own" if compared.output.relink is None else "linked"
        command = command_line(
            FILL, copy, [run, run, how, turn.name], [preserved_attributes, *FILLING, *limit, *options_of(copy)]
        )
        stdin = b"".join(path + b"\0" for path in compared.output.relink or ())
        ran = await ssh.run(copy.mirror.name, command, timeout_s=FILL_S, stdin=stdin, on_output=on_output)
        if not attributes_refused(ran.exit_code, ran.err):
            break
    trouble = failure_on(ran, copy)
    if trouble is not None:
        return trouble
    progress.end()
    # The source may have been emptied since the look.
    return why_not_apply(progress.stats, max_delete=None) or DryRun(progress, preserved_attributes)


def _take_progress(progress: OutputReader, on_progress: Callable[[int], None], piece: bytes) -> None:
    progress.feed(piece)
    on_progress(progress.done_bytes)


async def publish(ssh: Ssh, copy: MirrorCopy, run: str, turn: Turn, at: datetime, keep: timedelta) -> Failure | None:
    """Exchange the present content for what `fill` has made for `run`, and keep what that replaced for `keep`.

    turn: as just asked for (`ops.rsync.turn.turn_now`); the mirror refuses it where it comes too late, and where
    another run has begun there since.
    Raises UnreachableError: it may have happened or not, and either way the mirror's content is whole.
    """
    command = command_line(SWAP, copy, [run, run, (at - keep).strftime(STAMP), turn.name, str(turn.latest)], [])
    return failure_on(await ssh.run(copy.mirror.name, command, timeout_s=SWAP_S), copy)


def run_id(at: datetime, tag: str | None = None) -> str:
    """Return the name of a run that began at `at`: sorts by time, and names the folder of what it replaced.

    tag: what tells it from others; None: a random one.
    """
    return f"{at.strftime(STAMP)}-{secrets.token_hex(4) if tag is None else tag}"


def command_line(script: str, copy: MirrorCopy, own: list[str], rsyncs: list[str]) -> str:
    """Return the shell line that runs a script on the mirror with its own arguments, and then those of rsync."""
    words = [*copy.place, *own, *rsyncs]
    return " ".join(["exec", "sh", "-c", shlex.quote(script), "sharpnet-sync", *(shlex.quote(word) for word in words)])


def options_of(copy: MirrorCopy) -> list[str]:
    """Return rsync's options and its source. File names and patterns are words of their own, never parsed again."""
    return [
        "--no-h",
        *POWERLESS,
        f"--timeout={READING_S if copy.checksum else STALLED_S}",
        *(["--checksum"] if copy.checksum else []),
        # rsync counts in units of 1,024 bytes.
        *([f"--bwlimit={max(1, copy.bandwidth // 1024)}"] if copy.bandwidth is not None else []),
        *owners(copy),
        # The arguments go through the connection instead of the source's shell, which a limited key does not allow.
        *(["-s", starting_in(source_root(copy))] if not is_limited(copy.source) else []),
        *filters_of(copy.site),
        "-e",
        remote_shell(copy.source, copy.mirror, copy.control_socket),
        _source_of(copy),
    ]


def _source_of(copy: MirrorCopy) -> str:
    if is_limited(copy.source):
        return source_of(copy.source, _asked_root(copy))
    address = copy.source.address
    return f"[{address}]:./" if ":" in address else f"{address}:./"


def _asked_root(copy: MirrorCopy) -> str:
    """Return the path by which a limited key is asked for the root: one for single roots follows a link by itself."""
    named = limited_root(copy.source) is None
    return posixpath.normpath(copy.site.named_root_on(copy.source.name)) if named else source_root(copy)


def filters_of(site: Site) -> list[str]:
    """Return the options that leave out what a copy of `site` does not have."""
    return [f"--filter=- /{WORK_FOLDER}/", *(f"--filter=- {pattern}" for pattern in site.exclude)]


def owners(copy: MirrorCopy) -> list[str]:
    """Return the options that give the files to whom app.yaml names on the mirror; only root can."""
    source_owner, mirror_owner = copy.site.owner.get(copy.source.name), copy.site.owner.get(copy.mirror.name)
    if mirror_owner is None or copy.mirror.ssh.user != ROOT:
        return []
    if source_owner is None:
        return [f"--chown={mirror_owner}"]
    (from_user, _, from_group), (to_user, _, to_group) = source_owner.partition(":"), mirror_owner.partition(":")
    groups = [f"--groupmap={from_group}:{to_group}"] if from_group and to_group else []
    return [f"--usermap={from_user}:{to_user}", *groups]


def _note(copy: MirrorCopy, preserved_attributes: str) -> str:
    notes = [] if preserved_attributes == EVERYTHING else ["without ACLs and extended attributes"]
    if copy.mirror.name in copy.site.owner and copy.mirror.ssh.user != ROOT:
        notes.append(f"as files of {copy.mirror.ssh.user}: only root on {copy.mirror.name} could give them to others")
    return ", ".join(notes)


def source_root(copy: MirrorCopy) -> str:
    """Return the path of the site's content on the source."""
    return posixpath.normpath(copy.site.root_on(copy.source.name))


def failure_on(ran: Ran, copy: MirrorCopy) -> Failure | None:
    """Return what went wrong in a command on the mirror, or None where it went well."""
    return failure_of(ran.exit_code, ran.err, source=copy.source.name, mirror=copy.mirror.name)
