"""Why a sync was refused or failed, read from how rsync, SSH and the script on the mirror ended."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from core.failure import OF_WORK_FOLDER, QUOTED, STOPPED, Failure, FailureCode, said_text, why_said, why_stopped
from core.wording import duration

if TYPE_CHECKING:
    from collections.abc import Mapping

# rsync(1), EXIT VALUES.
VANISHED = 24
_QUOTED_LINES = 3


def failure_of(exit_code: int, err: bytes, *, source: str, mirror: str) -> Failure | None:
    """Return what went wrong when the script on `mirror` ended so, or None where it went well.

    Files that vanished at the source while they were read are no trouble: the next run settles them.
    """
    if exit_code in (0, VANISHED):
        return None
    text = said_text(err)
    found, detail = _find(exit_code, text)
    found = found.about(source=source, mirror=mirror, server=mirror, waited=_waited(text))
    message = f"{found.message} ({detail})" if detail else found.message
    return replace(found, message=message, hint=found.hint or _quoted(text))


def attributes_refused(exit_code: int, err: bytes) -> bool:
    """Return whether ACLs or extended attributes are all that stood in the way, so that it is worth going without."""
    if exit_code in (0, VANISHED, STOPPED):
        return False
    said = [line for line in err.decode("utf-8", "replace").splitlines() if not line.startswith("rsync error: ")]
    return any(said) and all(_ATTRIBUTES.search(line) for line in said if line)


def _find(exit_code: int, text: str) -> tuple[Failure, str]:
    stopped = why_stopped(exit_code, text, _STOPS)
    if stopped is not None:
        return stopped
    found = why_said(text, _SAID) or _EXITS.get(exit_code)
    return (found, "") if found is not None else (_UNKNOWN, f"status {exit_code}")


def _waited(text: str) -> str:
    found = _WAITED.search(text)
    return duration(timedelta(seconds=int(found[1]))) if found is not None else "too long"


def _quoted(text: str) -> str:
    said = " / ".join([line.strip() for line in text.splitlines() if line.strip()][:_QUOTED_LINES])
    return f"It said: {said[:QUOTED]}" if said else ""


# Whoever says more than 30 years has not waited so long.
_WAITED = re.compile(r"io timeout after ([0-9]{1,9}) seconds")
_ATTRIBUTES = re.compile(r"(?i)\bACLs\b|extended attributes|sys_acl_|\bset_acl|xattr|rsync_xal_")

_UNKNOWN = Failure(FailureCode.FAILED, "copying to {mirror} failed")
_LOST_WHILE_COPIED = Failure(
    FailureCode.TOO_MANY_DELETES,
    "{source} lost more files while it was copied than the limit allows",
    "Look with --dry-run; if that is meant, add --allow-delete.",
    refused=True,
)
_BROKEN_LINK = Failure(
    FailureCode.LINK_LOST, "the link from {mirror} to {source} broke", "What has arrived is kept; sync again."
)
_EXITS = {25: _LOST_WHILE_COPIED, **dict.fromkeys((10, 12, 20, 30, 35, 255), _BROKEN_LINK)}

# What standard error holds, in the words of rsync, OpenSSH and libc; the first that fits is what it was.
_SAID: Mapping[str, Failure] = {
    r"No space left on device|Disk quota exceeded": Failure(
        FailureCode.DISK_FULL,
        "the disk of {mirror} is full",
        "Make room there. What is served there is as it was; what had arrived was thrown away.",
    ),
    r"sharpnet-stop: source-symlink": Failure(
        FailureCode.SOURCE_SYMLINK,
        "the root on {source} is a symbolic link",
        "Put the content back where app.yaml has it, or correct the root there.",
        refused=True,
    ),
    r"sharpnet-stop: source-way-link": Failure(
        FailureCode.WAY_LINK,
        "on {source} a link leads to the root that others than root and the SSH user could have made",
        "Write the folder that is meant into app.yaml, or let only root make links on the way to it.",
        refused=True,
    ),
    r"rrsync error: unsafe arg": Failure(
        FailureCode.SOURCE_OUTSIDE,
        "the root on {source} leads out of the only folder that its key lets others read",
        "It has become a symbolic link. Put the content back where app.yaml has it.",
        refused=True,
    ),
    r"REMOTE HOST IDENTIFICATION HAS CHANGED|Host key verification failed|host key is known for": Failure(
        FailureCode.HOST_KEY,
        "{source} shows {mirror} another host key than the pinned one, or none is pinned",
        "If {source} was set up anew, put its key into the peer known_hosts on {mirror}; "
        "otherwise somebody may stand between.",
    ),
    r"Load key .*: |UNPROTECTED PRIVATE KEY|Identity file .* not accessible": Failure(
        FailureCode.PEER_KEY,
        "the peer key on {mirror} cannot be used",
        "It must be there, belong to the SSH user, and have mode 600.",
    ),
    r"Permission denied \((?:publickey|password|keyboard)|Too many authentication failures": Failure(
        FailureCode.LOGIN_REFUSED,
        "{source} does not take the peer key of {mirror}",
        "Put its public key into authorized_keys on {source}.",
    ),
    (
        r"Connection refused|No route to host|Network is unreachable|Could not resolve hostname|"
        r"[Cc]onnection timed out|Operation timed out|not responding|"
        r"Connection (?:reset|closed) by [0-9a-f.:]+ port"
    ): Failure(
        FailureCode.UNREACHABLE,
        "{mirror} cannot reach {source}",
        "Is it up, and may {mirror} reach its SSH port?",
    ),
    (
        r"sharpnet-stop: source-missing|change_dir .* failed: No such file|\[sender\] link_stat .* No such file|"
        r"rrsync error: .* No such file|Restricted directory does not exist"
    ): Failure(
        FailureCode.SOURCE_MISSING,
        "the root is missing on {source}",
        "Is its disk mounted, and the root in app.yaml right?",
        refused=True,
    ),
    (
        r"sharpnet-stop: source-closed|"
        r"\[sender\] (?:change_dir|opendir|send_files failed to open|readlink_stat|read) .*Permission denied|"
        r"rrsync error: .* Permission denied"
    ): Failure(
        FailureCode.SOURCE_UNREADABLE,
        "{source} has files there that its SSH user may not read",
        "Let the user read them, or exclude them in app.yaml.",
    ),
    r"rrsync error|has been disabled on this server|does not run rsync|sharpnet-peer: ": Failure(
        FailureCode.LIMITED_KEY,
        "the peer key is limited on {source}, and the limit does not allow this",
        "servers.{source}.peer.limited_to in app.yaml must be what authorized_keys has there: the directory of "
        "rrsync -ro -no-lock DIR, or roots for sharpnet-peer, whose file lists this one.",
    ),
    r"rsync: (?:command )?not found|rsync: No such file": Failure.missing(FailureCode.NO_RSYNC, "{source}"),
    r"Permission denied|Operation not permitted|Read-only file system": Failure(
        FailureCode.PERMISSION,
        "the SSH user may not write on {mirror}",
        "The root and the folder around it must belong to that user.",
    ),
    r"timeout in data send/receive|io timeout after": Failure(
        FailureCode.TIMED_OUT,
        "nothing came from {source} for {waited}",
        "What has arrived is kept; sync again.",
    ),
}

# What the script on the mirror finds before or after it copies.
_STOPS = (
    *OF_WORK_FOLDER,
    Failure(
        FailureCode.WAY_CHANGED,
        "a folder of the site on {mirror} became a link while something was put into it",
        "Nothing was written through it. Look at who works in that site.",
    ),
    Failure.missing(FailureCode.NO_RSYNC, "{mirror}"),
    Failure.missing(FailureCode.NO_FLOCK, "{mirror}"),
    Failure(
        FailureCode.BUSY,
        "an earlier run still works on {mirror}",
        "It ends by itself; sync again then.",
        refused=True,
    ),
    Failure(
        FailureCode.NO_PARENT,
        "the folder around the root is missing on {mirror}",
        "Make it, or mount its disk.",
        refused=True,
    ),
    Failure(
        FailureCode.PARENT_CLOSED,
        "the SSH user may not write in the folder around the root on {mirror}",
        "New content is made beside the root and put in its place by a rename: give the user that folder.",
        refused=True,
    ),
    Failure(FailureCode.ROOT_CLOSED, "the SSH user may not enter the root on {mirror}", "Give the user the root."),
    Failure(
        FailureCode.ROOT_NOT_FOLDER, "the root on {mirror} is no folder", "Move away what lies there.", refused=True
    ),
    Failure(
        FailureCode.ROOT_SYMLINK,
        "the root on {mirror} is a symbolic link, and content is put in place by renaming the root",
        "Write the folder that it points to into app.yaml.",
        refused=True,
    ),
    Failure(
        FailureCode.ROOT_MOUNT_POINT,
        "the root on {mirror} is a mount point, and content is put in place by renaming the root",
        "Use a folder inside it as the root.",
        refused=True,
    ),
    Failure(
        FailureCode.MOUNT_INSIDE,
        "something is mounted inside the root on {mirror}, and content is put in place by renaming the root",
        "Mount it elsewhere, and put a symbolic link in its place.",
        refused=True,
    ),
    Failure(
        FailureCode.SOURCE_UNREADABLE,
        "{source} has files there that its SSH user may not read",
        "Let the user read them, or exclude them in app.yaml.",
    ),
    Failure(
        FailureCode.WORK_CLOSED,
        "the SSH user may not make a folder on {mirror} for what is not served",
        "Make an empty .sharpnet there, the SSH user's, with mode 700, or name another folder: servers.{mirror}.work.",
        refused=True,
    ),
    Failure(
        FailureCode.FOREIGN_OWNER,
        "the root on {mirror} holds files of other users",
        "Give the SSH user the rights to keep their owners (docs/without-root.md), or give it the files.",
        refused=True,
    ),
    Failure(
        FailureCode.OVERTAKEN,
        "a newer run has begun on {mirror} since",
        "Nothing was put in place: what the newer one does counts.",
        refused=True,
    ),
    Failure(
        FailureCode.TOO_LATE,
        "the order to put it in place came to {mirror} too late to be sure that it still holds",
        "Nothing was put in place; sync again. Was the bot's machine asleep, or very busy?",
        refused=True,
    ),
    Failure(FailureCode.NOT_READY, "what was copied to {mirror} is gone", "Somebody else worked there; sync again."),
    Failure(
        FailureCode.NOT_EXCHANGED,
        "the new content could not be put in place on {mirror}",
        "Look at that folder there.",
    ),
)
