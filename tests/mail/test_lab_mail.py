"""The lab's mail is real: it comes from outside, waits, is taken by either exchanger, and goes out again."""

from __future__ import annotations

import smtplib
import ssl
import subprocess

import pytest
from mail.harness import ANN, DOMAIN, IMAP, SMTP, STRANGER, until

from lab import Lab, mail
from lab.mail import passwords
from lab.postfix import SUBMISSION_PORT


def arrived(lab: Lab, server: str, subject: str) -> bool:
    return any(f"Subject: {subject}\n" in text for text in mail.mailbox(lab, server, ANN))


def send(lab: Lab, subject: str) -> None:
    mail.send(lab, STRANGER, ANN, f"Subject: {subject}\n\nwords\n")


def test_a_message_from_outside_lies_on_the_first_exchanger_alone(mail_lab: Lab) -> None:
    send(mail_lab, "first")
    until(lambda: arrived(mail_lab, "oslo", "first"))
    assert not arrived(mail_lab, "lima", "first")


def test_the_second_exchanger_takes_it_while_the_first_is_dead(mail_lab: Lab) -> None:
    mail_lab.drop("oslo")
    try:
        send(mail_lab, "second")
        until(lambda: arrived(mail_lab, "lima", "second"))
    finally:
        mail_lab.back("oslo")
    assert not arrived(mail_lab, "oslo", "second")


def test_a_message_waits_outside_while_both_are_dead_and_arrives_by_itself(mail_lab: Lab) -> None:
    for server in ("oslo", "lima"):
        mail_lab.drop(server)
    try:
        send(mail_lab, "late")
        until(lambda: [one for one in mail.waiting(mail_lab, "outside") if one["queue_name"] == "deferred"])
    finally:
        for server in ("lima", "oslo"):
            mail_lab.back(server)
    until(lambda: arrived(mail_lab, "oslo", "late") or arrived(mail_lab, "lima", "late"))
    until(lambda: not mail.waiting(mail_lab, "outside"))
    assert mail.strangers_mail(mail_lab) == []


@pytest.mark.parametrize("server", ["oslo", "lima"])
def test_who_logs_in_hands_mail_in_for_people_outside(mail_lab: Lab, server: str) -> None:
    context = ssl.create_default_context(cafile=mail_lab.env["SSL_CERT_FILE"])
    address = mail_lab.host(server).addresses[0]
    subject = f"Subject: out of {server}\n"
    with smtplib.SMTP(address, SUBMISSION_PORT, timeout=20) as smtp:
        smtp.starttls(context=context)
        smtp.login(ANN, passwords(mail_lab)[ANN])
        smtp.sendmail(ANN, [STRANGER], f"{subject}\nwords\n")
    until(lambda: any(subject in text for text in mail.strangers_mail(mail_lab)))
    for message in mail_lab.path_on("outside", "/var/mail/everybody/new").iterdir():
        message.unlink()


@pytest.mark.parametrize(("server", "folder"), [("oslo", "/etc/postfix"), ("lima", "/srv/lima/postfix")])
def test_the_bots_user_may_ask_for_the_queue_and_the_mailboxes(mail_lab: Lab, server: str, folder: str) -> None:
    conf = "/etc/dovecot/dovecot.conf" if server == "oslo" else "/srv/lima/dovecot/dovecot.conf"
    line = f"PATH=/usr/sbin:$PATH; postqueue -c {folder} -j && doveadm -c {conf} user '*'"
    config = mail_lab.fleet.file.parent / ".lab" / "ssh_config"
    ran = subprocess.run(["ssh", "-F", config, server, line], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == [f"{name}@{DOMAIN}" for name in ("ann", "bob", "probe")]


def test_the_exchangers_stand_in_dns_in_their_order(mail_lab: Lab) -> None:
    assert mail_lab.query("ns1", DOMAIN, "MX") == [f"10 mx-oslo.{DOMAIN}.", f"20 mx-lima.{DOMAIN}."]
    assert mail_lab.query("ns2", f"mx-lima.{DOMAIN}", "A") == [mail_lab.host("lima").addresses[0]]


def test_a_postfix_with_another_setting_is_as_it_was_afterwards(mail_lab: Lab) -> None:
    def answer() -> int:
        with smtplib.SMTP(mail_lab.host("oslo").addresses[0], SMTP, timeout=20) as smtp:
            smtp.ehlo()
            smtp.mail(STRANGER)
            return smtp.rcpt(f"nobody@{DOMAIN}")[0]

    with mail.setting(mail_lab, "oslo", unknown_virtual_mailbox_reject_code="450"):
        until(lambda: answer() == 450)
    until(lambda: answer() == 550)


def test_a_fleet_is_up_without_mail_where_that_is_asked_for(mail_lab: Lab) -> None:
    assert {host.name: host.software for host in mail_lab.status()}["outside"] == "Postfix"
    without = mail_lab.fleet.without_mail
    assert [server.mail.smtp + server.mail.imap for server in without.servers.values()] == [(), ()]
    assert mail_lab.fleet.servers["lima"].mail.imap == (IMAP,)
