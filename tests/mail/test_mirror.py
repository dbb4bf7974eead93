"""Mailboxes kept alike on two real servers: messages, flags, folders, deletions and filters, each once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from mail.harness import ANN, BOB, STRANGER, until

from lab import mail
from lab.dovecot import is_older_than_2_4
from ops.gather.live_check import mailbox_findings

if TYPE_CHECKING:
    from mail.mirrored import Post

SECOND_S = 1.1


async def test_what_came_to_either_server_is_on_both_once_and_stays_so(post: Post) -> None:
    post.put("oslo", ANN, "to-oslo")
    await post.alike(ANN)
    post.put("lima", ANN, "to-lima")
    for _ in range(3):
        await post.alike(ANN)
        assert post.both(ANN) == ["to-lima", "to-oslo"]


async def test_flags_folders_deletions_and_filters_go_both_ways(post: Post) -> None:
    for subject in ("read", "gone", "kept"):
        post.put("oslo", ANN, subject)
    await post.alike(ANN)
    post.doveadm("lima", "flags", "add", "-u", ANN, "\\Seen", "mailbox", "INBOX", "subject", "read")
    post.doveadm("oslo", "flags", "add", "-u", ANN, "\\Flagged", "mailbox", "INBOX", "subject", "read")
    post.doveadm("lima", "expunge", "-u", ANN, "mailbox", "INBOX", "subject", "gone")
    post.doveadm("oslo", "mailbox", "create", "-u", ANN, "Work")
    post.put("oslo", ANN, "filed", "Work")
    post.doveadm("lima", "sieve", "put", "-u", ANN, "-a", "rules", stdin="keep;\n")
    await post.alike(ANN)
    assert post.both(ANN) == ["kept", "read"]
    assert post.both(ANN, "Work") == ["filed"]
    for server in ("oslo", "lima"):
        assert post.flags(server, ANN, "read") == {"\\Seen", "\\Flagged"}
        assert post.doveadm(server, "sieve", "list", "-u", ANN).split() == ["rules", "ACTIVE"]


async def test_mail_sent_while_one_server_was_dead_is_read_from_both_afterwards(post: Post) -> None:
    await post.alike(ANN)
    post.lab.drop("oslo")
    try:
        mail.send(post.lab, STRANGER, ANN, "Subject: meanwhile\n\nwords\n")
        until(lambda: post.subjects("lima", ANN) == ["meanwhile"])
        post.doveadm("lima", "flags", "add", "-u", ANN, "\\Answered", "mailbox", "INBOX", "all")
    finally:
        post.lab.back("oslo")
    await post.alike(ANN)
    assert post.both(ANN) == ["meanwhile"]
    assert post.flags("oslo", ANN, "meanwhile") == {"\\Answered"}


async def test_what_came_to_both_while_neither_reached_the_other_is_there_once_a_copy_each(post: Post) -> None:
    post.put("oslo", BOB, "before")
    await post.alike(BOB)
    post.put("oslo", BOB, "only-oslo")
    post.put("lima", BOB, "only-lima")
    for server in ("oslo", "lima"):
        post.put(server, BOB, "both")
    for _ in range(2):
        await post.alike(BOB)
        assert post.both(BOB) == ["before", "both", "both", "only-lima", "only-oslo"]


async def test_mail_that_a_delivery_agent_has_just_laid_down_is_seen(post: Post) -> None:
    post.put("oslo", ANN, "first")
    await post.alike(ANN)
    inbox = post.lab.path_on("lima", "/var/vmail/fjord.example/ann/Maildir")
    laid = inbox / "new" / "1700000000.M1P1.lima"
    laid.write_text("Subject: laid\n\nwords\n")
    owner = inbox.stat()
    mail.run(
        post.lab, "lima", f"chown {owner.st_uid}:{owner.st_gid} /var/vmail/fjord.example/ann/Maildir/new/{laid.name}"
    )
    await post.alike(ANN)
    assert post.both(ANN) == ["first", "laid"]


async def made_one_by_a_seed(post: Post) -> None:
    """Have Ann's two INBOXes said to be two, and made one once somebody agrees."""
    reply = await post.say(f"mail sync {ANN}")
    assert reply.exit_code == 3
    assert reply.title == (
        f"The mail of {ANN} is not alike on oslo and lima: INBOX was created apart on each, "
        "and dsync never makes one of the two"
    )
    assert f"`mail seed {ANN} --from oslo` does; no message is lost on either side." in str(reply.parts)
    asked = await post.say(f"mail seed {ANN} --from oslo")
    assert asked.exit_code == 3
    assert [button.line for button in asked.buttons] == [f"mail seed {ANN} --from oslo --yes"]
    assert [post.subjects(server, ANN) for server in ("oslo", "lima")] == [["of-oslo"], ["of-lima"]]
    refused = await post.say(f"mail seed {ANN} --from oslo", ask=lambda _question: False)
    assert refused.title == "Nothing was changed"
    done = await post.say(f"mail seed {ANN} --from oslo", ask=lambda _question: True)
    assert done.exit_code == 0, done


async def test_inboxes_that_were_created_apart_are_said_and_made_one_without_losing_any_message(post: Post) -> None:
    for server in ("oslo", "lima"):
        post.put(server, ANN, f"of-{server}")
        # Made in the same second they would have the same UIDVALIDITY.
        await asyncio.sleep(SECOND_S)
    post.doveadm("lima", "flags", "add", "-u", ANN, "\\Seen", "mailbox", "INBOX", "all")
    # Dovecot 2.4 makes one of the two by itself.
    if is_older_than_2_4():
        await made_one_by_a_seed(post)
    else:
        await post.alike(ANN)
    assert post.both(ANN) == ["of-lima", "of-oslo"]
    assert post.flags("oslo", ANN, "of-lima") == {"\\Seen"}


async def test_a_user_of_one_server_only_is_said(post: Post) -> None:
    users = post.lab.path_on("lima", "/srv/lima/dovecot/users")
    usual = users.read_text()
    users.write_text("".join(line for line in usual.splitlines(keepends=True) if not line.startswith(BOB)))
    try:
        reply = await post.say("mail sync")
    finally:
        users.write_text(usual)
    assert reply.facts is not None
    assert (reply.facts["good"], reply.facts["refused"], reply.facts["failed"]) == (2, 1, 0)
    assert f"{BOB} is a user of oslo, but not of lima" in str(reply.parts)


async def test_check_live_asks_for_what_a_run_asks_first(post: Post) -> None:
    lima = post.ports.fleet.servers["lima"]
    elsewhere = replace(lima, mail=replace(lima.mail, dovecot="/nowhere/dovecot.conf"))
    fleet = replace(post.ports.fleet, servers={**post.ports.fleet.servers, "lima": elsewhere})
    works, fails = await mailbox_findings(post.ports.ssh, fleet)
    assert (works.what, works.ok) == ("mailboxes of oslo", True)
    assert (fails.what, fails.ok) == ("mailboxes of lima", False)
    assert "/nowhere/dovecot.conf" in fails.why + fails.hint


async def test_an_empty_inbox_that_was_created_apart_becomes_the_other_one_by_itself(post: Post) -> None:
    post.put("oslo", ANN, "kept")
    post.put("lima", ANN, "gone")
    post.doveadm("lima", "expunge", "-u", ANN, "mailbox", "INBOX", "all")
    await post.alike(ANN)
    assert post.both(ANN) == ["kept"]


async def test_a_server_that_has_lost_its_mail_gets_it_again_and_deletes_nothing_elsewhere(post: Post) -> None:
    for subject in ("one", "two"):
        post.put("oslo", ANN, subject)
    post.doveadm("oslo", "mailbox", "create", "-u", ANN, "Work")
    post.put("oslo", ANN, "filed", "Work")
    await post.alike(ANN)
    await post.alike(ANN)
    mail.run(post.lab, "lima", "rm -rf /var/vmail/fjord.example/ann")
    await post.alike(ANN)
    assert post.both(ANN) == ["one", "two"]
    assert post.both(ANN, "Work") == ["filed"]


async def test_the_second_look_at_mail_that_nobody_touched_compares_no_message(post: Post) -> None:
    post.put("oslo", ANN, "one")
    kept = []
    for _ in range(4):
        await post.alike(ANN)
        kept += [run.state for run in await post.ports.store.mailboxes.all() if run.login == ANN]
    assert kept[2] == kept[3] != ""
