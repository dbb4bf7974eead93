"""Runs on mailboxes that are killed, or find no room: nothing is lost, nothing is there twice, and it is said."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from mail.harness import ANN, BOB
from sync.harness import mount_tmpfs, unmount, until

from core.failure import FailureCode
from core.mailboxes.pairs import MailboxPair
from jobs.mailboxes.cards import tell
from jobs.mailboxes.many import MirrorRequest, find_mailboxes, mail_to_mirror, make_all_alike
from jobs.mailboxes.one import make_alike
from lab import running
from lab.dovecot import MAIL

if TYPE_CHECKING:
    from mail.mirrored import Post

PAIR = MailboxPair(ANN, "oslo", "lima")
MANY = [f"m{number}" for number in range(40)]
BIG = "x" * 99 + "\n"


def fill(post: Post, subjects: list[str], lines: int) -> None:
    """Lay messages of so many lines into Ann's INBOX on Oslo, as a delivery agent does."""
    inbox = post.lab.path_on("oslo", f"{MAIL}/fjord.example/ann/Maildir/new")
    owner = inbox.stat()
    for number, subject in enumerate(subjects):
        file = inbox / f"{1700000000 + number}.M{number}P1.oslo"
        file.write_text(f"Subject: {subject}\n\n{BIG * lines}")
        os.chown(file, owner.st_uid, owner.st_gid)


def arrived(post: Post) -> int:
    """Return how many messages are on their way into Ann's INBOX on Lima, or there."""
    inbox = post.lab.path_on("lima", f"{MAIL}/fjord.example/ann/Maildir")
    return sum(1 for part in ("tmp", "new", "cur") for _ in (inbox / part).glob("*"))


def processes(post: Post, server: str, command: str) -> list[int]:
    """Return the numbers of a server's own processes of doveadm(1) that run this command, and of no other lab's."""
    first = running.first_process(post.lab.host(server).folder)
    assert first is not None
    view, found = Path(f"/proc/{first.pid}/ns/mnt").readlink(), []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            is_ours = words[0].endswith(b"doveadm") and (entry / "ns/mnt").readlink() == view
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        if is_ours and command.encode() in words:
            found.append(int(entry.name))
    return found


@pytest.mark.parametrize(("server", "command"), [("oslo", "sync"), ("lima", "dsync-server")])
async def test_either_side_that_is_killed_is_named_and_the_next_run_brings_the_rest_once(
    post: Post, server: str, command: str
) -> None:
    post.put("oslo", ANN, "first")
    await post.alike(ANN)
    fill(post, MANY, 20_000)
    running = asyncio.create_task(make_alike(post.ports, PAIR, MirrorRequest("terminal:boss")))
    await until(lambda: arrived(post) > 3)
    for process in processes(post, server, command):
        os.kill(process, signal.SIGKILL)
    result = await running
    assert result.trouble is not None
    assert result.trouble.message == f"what worked on the mail of {ANN} was killed on {server}"
    assert not processes(post, "oslo", "sync")
    await post.alike(ANN)
    assert post.both(ANN) == sorted(["first", *MANY])


async def test_a_run_that_is_given_up_leaves_nothing_running_and_the_next_one_brings_the_rest_once(post: Post) -> None:
    post.put("oslo", ANN, "first")
    await post.alike(ANN)
    fill(post, MANY, 20_000)
    running = asyncio.create_task(make_alike(post.ports, PAIR, MirrorRequest("terminal:boss")))
    await until(lambda: arrived(post) > 3)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await until(lambda: not processes(post, "oslo", "sync") and not processes(post, "lima", "dsync-server"))
    await post.alike(ANN)
    assert post.both(ANN) == sorted(["first", *MANY])
    record = [entry.kind for entry in await post.ports.store.record.entries(last=20) if entry.subject == ANN]
    assert record.count("mailbox.interrupted") == 1


async def test_two_runs_never_work_on_one_users_mail(post: Post) -> None:
    post.put("oslo", ANN, "first")
    await post.alike(ANN)
    fill(post, MANY, 2_000)
    request = MirrorRequest("terminal:boss")
    both = await asyncio.gather(*(make_alike(post.ports, PAIR, request) for _ in range(2)))
    codes = [one.trouble.code if one.trouble is not None else None for one in both]
    assert sorted(codes, key=str) == [None, FailureCode.HELD]
    assert post.both(ANN) == sorted(["first", *MANY])


async def test_a_full_disk_is_told_once_while_other_mail_goes_on_and_mended_by_the_next_run(post: Post) -> None:
    for user in (ANN, BOB):
        post.put("oslo", user, "first")
        await post.alike(user)
    home = post.lab.path_on("lima", f"{MAIL}/fjord.example/ann")
    owner, place = home.stat(), f"{MAIL}/fjord.example/ann"
    mount_tmpfs(post.rig, "lima", place, f"size=300k,uid={owner.st_uid},gid={owner.st_gid},mode=700")
    try:
        fill(post, MANY[:10], 1_000)
        post.put("oslo", BOB, "second")
        for _ in range(2):
            await a_round(post)
            card = await post.ports.store.cards.get("mailboxes:oslo>lima")
            assert card is not None
            assert card.reply.title == f"The mail of {ANN} is not alike on oslo and lima"
            assert "the disk of the mail is full on lima." in str(card.reply.parts)
        assert card.revision == 1
        assert post.both(BOB) == ["first", "second"]
        assert post.subjects("oslo", ANN) == sorted(["first", *MANY[:10]])
    finally:
        unmount(post.rig, "lima", place)
    await a_round(post)
    assert post.both(ANN) == sorted(["first", *MANY[:10]])
    card = await post.ports.store.cards.get("mailboxes:oslo>lima")
    assert card is not None
    assert card.reply.title == "All mail is alike on oslo and lima again"


async def a_round(post: Post) -> None:
    """Make all mail alike as the clock does."""
    found = await find_mailboxes(post.ports, mail_to_mirror(post.ports))
    await make_all_alike(post.ports, found.pairing, MirrorRequest("bot:mailboxes", asked=False))
    await tell(post.ports, found.silent)
