"""Why a sync was refused or failed, read from how it ended on the mirror."""

from __future__ import annotations

import re
from dataclasses import dataclass

# How the script that runs on the mirror says that it stops: this exit status, and a line of this form on standard error.
STOPPED = 90
STOP_LINE = re.compile(r"^sharpnet-stop: ([a-z-]+)(?: (.*))?$", re.MULTILINE)

# GNU timeout(1): ended at its time, and killed some seconds after it.
TIMED_OUT = frozenset({124, 137})
# rsync(1), EXIT VALUES.
VANISHED = 24
MOST_DELETED = 25
_LOST = frozenset({10, 12, 20, 30, 35, 255})
MOST_QUOTED = 300


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a sync did not happen: a code in kebab-case, what happened, and what to do next.

    refused: it was decided against, and nothing was tried; otherwise something went wrong.
    """

    code: str
    message: str
    hint: str = ""
    refused: bool = False


def trouble_of(exit_code: int, err: bytes, *, source: str, mirror: str) -> Trouble | None:
    """Return what went wrong when the script on `mirror` ended so, or None where it went well.

    Files that vanished at the source while they were read are no trouble: the next run settles them.
    """
    text = err.decode("utf-8", "replace")
    if exit_code in (0, VANISHED):
        return None
    if exit_code == STOPPED:
        return _stopped(text, source=source, mirror=mirror)
    for pattern, code, message, hint in _SAID:
        if re.search(pattern, text):
            return Trouble(
                code, message.format(source=source, mirror=mirror), hint.format(source=source, mirror=mirror)
            )
    if exit_code in TIMED_OUT:
        return Trouble("timed-out", f"took too long on {mirror} and was ended", "It goes on from there next time.")
    if exit_code == MOST_DELETED:
        return Trouble(
            "too-many-deletes",
            f"{source} lost more files while it was copied than the limit allows",
            "Look with --dry-run; if that is meant, add --allow-delete.",
            refused=True,
        )
    if exit_code in _LOST:
        return Trouble(
            "link-lost",
            f"the link from {mirror} to {source} broke",
            f"What has arrived is kept; sync again. {_quoted(text)}",
        )
    return Trouble("failed", f"rsync on {mirror} ended with status {exit_code}", _quoted(text))


def attributes_refused(exit_code: int, err: bytes) -> bool:
    """Return whether ACLs or extended attributes are all that stood in the way, so that it is worth going without."""
    if exit_code in (0, VANISHED, STOPPED):
        return False
    lines = [
        line for line in err.decode("utf-8", "replace").splitlines() if line.startswith("rsync: ") or "support" in line
    ]
    return bool(lines) and all(re.search(_ATTRIBUTES, line) for line in lines)


_ATTRIBUTES = r"(?i)ACLs are not supported|extended attributes are not supported|sys_acl_|set_acl|xattr|rsync_xal_"

# (what standard error holds, code, message, hint), the first that fits. The wording is rsync's, OpenSSH's and libc's.
_SAID: tuple[tuple[str, str, str, str], ...] = (
    (
        r"No space left on device|Disk quota exceeded",
        "disk-full",
        "the disk of {mirror} is full",
        "Make room there. The mirror is as it was, and what had arrived is gone again.",
    ),
    (
        r"REMOTE HOST IDENTIFICATION HAS CHANGED|Host key verification failed|host key is known for",
        "host-key",
        "{mirror} does not know the host key that {source} shows",
        "If {source} was set up anew, put its key into the peer known_hosts of {mirror}; otherwise somebody may stand between.",
    ),
    (
        r"Permission denied \((?:publickey|password|keyboard)|Too many authentication failures",
        "login-refused",
        "{source} does not take the peer key of {mirror}",
        "Put its public key into authorized_keys on {source}.",
    ),
    (
        r"Load key .*: |UNPROTECTED PRIVATE KEY|Identity file .* not accessible",
        "peer-key",
        "the peer key on {mirror} cannot be used",
        "It must be there, belong to the SSH user, and have mode 600.",
    ),
    (
        r"[Cc]onnection timed out|Operation timed out|not responding|io timeout|timeout in data|timeout waiting",
        "unreachable",
        "{source} does not answer {mirror}",
        "Is it up, and may {mirror} reach its SSH port?",
    ),
    (
        r"Connection refused|No route to host|Network is unreachable|Could not resolve hostname|Connection reset by peer"
        r"|Connection closed by [0-9a-f.:]+ port",
        "unreachable",
        "{mirror} cannot reach {source}",
        "Is it up, and may {mirror} reach its SSH port?",
    ),
    (
        r"change_dir .* failed: No such file|\[sender\] (?:link_stat|stat) .*No such file|unable to pin sender path: .*No such"
        r"|Restricted directory does not exist",
        "source-missing",
        "the root is missing on {source}",
        "Is its disk mounted, and the root in app.yaml right? Nothing was changed.",
    ),
    (
        r"\[sender\] (?:change_dir|opendir|send_files failed to open|readlink_stat|read) .*Permission denied"
        r"|unable to pin sender path: .*Permission denied",
        "source-unreadable",
        "{source} has files that its SSH user may not read",
        "Let the user read them, or exclude them in app.yaml. The mirror is as it was.",
    ),
    (
        r"Permission denied|Operation not permitted|Read-only file system",
        "permission",
        "the SSH user may not write on {mirror}",
        "The root and the folder around it must belong to that user.",
    ),
    (
        r"do not use \.\. in|unsafe arg|sending to read-only server|has been disabled on this server|does not run rsync",
        "limited-key",
        "the peer key is limited on {source}, and the limit does not allow this",
        "limited_to in app.yaml must be the directory in authorized_keys there, as `rrsync -ro -no-lock DIR`.",
    ),
    (
        r"command not found|rsync: not found|exec .*rsync",
        "no-rsync",
        "rsync is missing",
        "Install rsync on both servers.",
    ),
)

_STOPS: dict[str, tuple[str, str, bool]] = {
    "no-rsync": ("rsync is missing on {mirror}", "Install it there: apt install rsync.", False),
    "old-rsync": ("rsync on {mirror} is older than 3.2.4 and cannot name that root", "Update it there.", False),
    "no-flock": ("flock is missing on {mirror}", "Install util-linux there.", False),
    "busy": (
        "an earlier run still works on {mirror}",
        "It ends by itself, or after some hours; try again then.",
        True,
    ),
    "no-parent": (
        "the folder around the root is missing on {mirror}",
        "Make it, or mount its disk.",
        True,
    ),
    "parent-closed": (
        "the SSH user may not write in the folder around the root on {mirror}",
        "Its content is put in place whole, by a rename there: give the user that folder.",
        True,
    ),
    "root-symlink": (
        "the root on {mirror} is a symbolic link, which cannot be exchanged whole",
        "Write the folder that it points to into app.yaml.",
        True,
    ),
    "root-mount-point": (
        "the root on {mirror} is a mount point, which cannot be exchanged whole",
        "Use a folder inside it as the root.",
        True,
    ),
    "root-not-folder": ("the root on {mirror} is no folder", "Move away what lies there.", True),
    "foreign-owner": (
        "the root on {mirror} holds files of other users",
        "Only root could keep their owner: log in there as root, or give them to the SSH user.",
        True,
    ),
    "not-ready": (
        "what was copied to {mirror} is not there any more",
        "Somebody else worked there; sync again.",
        False,
    ),
    "not-exchanged": ("the new content could not be put in place on {mirror}", "The mirror is as it was.", False),
}


def _stopped(text: str, *, source: str, mirror: str) -> Trouble:
    found = STOP_LINE.search(text)
    code, detail = (found[1], found[2] or "") if found else ("failed", "")
    message, hint, refused = _STOPS.get(code, ("the script on {mirror} stopped", _quoted(text), False))
    said = message.replace("{source}", source).replace("{mirror}", mirror)
    return Trouble(code, f"{said} ({detail[:MOST_QUOTED]})" if detail else said, hint, refused=refused)


def _quoted(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line.strip()]
    said = " / ".join(lines[:3])
    return f"It said: {said[:MOST_QUOTED]}" if said else ""
