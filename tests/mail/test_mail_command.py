"""`mail` at real mail servers: silent where all is well, and each thing that can be wrong by its name."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from mail.harness import ANN, DOMAIN, PROBE, STRANGER, answered, opened, until, with_queue

from core.errors import UsageError
from core.fleet import SecretRef
from core.mail.delivery import message, token_at
from lab import mail
from ops.mail.smtp import ask_smtp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from lab import Lab
    from ops.ports import Ports


AN_HOUR_AGO = datetime.now(UTC) - timedelta(hours=1)


@pytest.fixture
async def ports(mail_lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Ports]:
    async with opened(mail_lab, tmp_path, monkeypatch) as ports:
        yield ports


async def test_a_fleet_that_is_well_has_nothing_wrong_with_its_mail(ports: Ports) -> None:
    reply = await answered(ports, "mail")
    assert reply.title == f"Mail of {DOMAIN}: all exchangers are well"
    assert reply.facts is not None
    assert (reply.exit_code, reply.facts["domains"][0]["findings"]) == (0, [])


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (f"mail {DOMAIN} {ANN}", "or one of boxes, sync, seed"),
        ("mail --yes", "belong to `mail seed`"),
        ("mail sync --from oslo", "belong to `mail seed`"),
        (f"mail seed {ANN}", "Say whose mail, and which server's"),
        ("mail nowhere.example", "nowhere.example"),
    ],
)
async def test_words_that_do_not_go_together_are_refused(ports: Ports, line: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        await answered(ports, line)


async def found(ports: Ports) -> list[tuple[str, str, str]]:
    """Return what `mail` finds: how bad, where, and the text."""
    reply = await answered(ports, f"mail {DOMAIN}")
    assert reply.facts is not None
    findings = reply.facts["domains"][0]["findings"]
    assert reply.exit_code == (1 if any(one["level"] != "later" for one in findings) else 0)
    return [(one["level"], one["where"], one["text"]) for one in findings]


async def test_a_catch_all_is_named(ports: Ports, mail_lab: Lab) -> None:
    everything = {"virtual_mailbox_maps": "static:there", "virtual_alias_maps": f"static:ann@{DOMAIN}"}
    with mail.setting(mail_lab, "lima", **everything):
        (finding,) = [one for one in await found(ports) if "nobody has" in one[2]]
    text = f"it takes mail for addresses at {DOMAIN} that nobody has, and so sends to strangers what comes back"
    assert finding == ("wrong", "lima", text)


async def test_an_open_relay_is_named(ports: Ports, mail_lab: Lab) -> None:
    with mail.setting(mail_lab, "oslo", mynetworks="0.0.0.0/0"):
        findings = await found(ports)
    text = "it takes mail of strangers for strangers (an open relay), from the bot's address at least"
    assert findings == [("wrong", "oslo", text)]


async def test_greylisting_is_said_as_what_it_is_and_is_no_error(ports: Ports, mail_lab: Lab) -> None:
    grey = f"inline:{{ {{{DOMAIN} = 450 4.2.0 Greylisted}} }}"
    with mail.setting(mail_lab, "oslo", smtpd_recipient_restrictions=f"check_recipient_access {grey}"):
        findings = await found(ports)
    assert {(level, where) for level, where, _ in findings} == {("later", "oslo")}
    assert "it greylists: 450 4.2.0" in findings[0][2]
    assert "it greylists the probe message: 450 4.2.0" in findings[1][2]
    assert await found(ports) == []


async def test_a_tarpit_is_named_with_what_it_did_not_answer(
    ports: Ports, mail_lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ask_smtp, "__kwdefaults__", {"answer_s": 2.0, "whole_s": 30.0})
    slow = "sleep 5, permit"
    with mail.setting(mail_lab, "oslo", smtpd_client_restrictions=slow):
        findings = await found(ports)
    assert findings == [("wrong", "oslo", "SMTP: no answer to RCPT TO within 2 s")]


async def test_a_queue_that_grows_is_named_with_its_length_its_age_and_why(ports: Ports, mail_lab: Lab) -> None:
    broken = {"virtual_transport": "lmtp:unix:private/gone"}
    with mail.setting(mail_lab, "lima", **broken):
        for number in range(3):
            mail.send_to(mail_lab, "lima", STRANGER, ANN, f"Subject: {number}\n\nwords\n")
        until(lambda: len(mail.waiting(mail_lab, "lima")) == 3)
        findings = await found(with_queue(ports, messages=2))
    mail.forget_waiting(mail_lab, "lima")
    (finding,) = [text for _, where, text in findings if where == "lima" and "queue" in text]
    # The bot's own may wait there as well by then.
    assert finding.startswith(("3 messages, oldest ", "4 messages, oldest "))
    assert " in its mail queue: connect to " in finding
    assert "private/gone" in finding


async def test_an_mx_out_of_order_is_named_on_every_name_server(ports: Ports, mail_lab: Lab) -> None:
    swapped = [f"update delete {DOMAIN}. MX", f"update add {DOMAIN}. 300 MX 5 mx-lima.{DOMAIN}."]
    mail_lab.nsupdate(DOMAIN, [*swapped, f"update add {DOMAIN}. 300 MX 7 mx-oslo.{DOMAIN}."])
    try:
        until(lambda: all(mail_lab.query(f"ns{n}", DOMAIN, "MX")[0].startswith("5 ") for n in (1, 2, 3)))
        findings = await found(ports)
    finally:
        usual = [f"update add {DOMAIN}. 300 MX {n}0 mx-{name}.{DOMAIN}." for n, name in ((1, "oslo"), (2, "lima"))]
        mail_lab.nsupdate(DOMAIN, [f"update delete {DOMAIN}. MX", *usual])
        until(lambda: all(mail_lab.query(f"ns{n}", DOMAIN, "MX")[0].startswith("10 ") for n in (1, 2, 3)))
    assert findings == [("wrong", f"ns{n}", "lima (5) comes before oslo (7)") for n in (1, 2, 3)]


async def test_an_mx_that_leads_nowhere_in_the_fleet_is_named(ports: Ports, mail_lab: Lab) -> None:
    mail_lab.nsupdate(DOMAIN, [f"update add {DOMAIN}. 300 MX 30 mail.elsewhere.invalid."])
    try:
        until(lambda: all(len(mail_lab.query(f"ns{n}", DOMAIN, "MX")) == 3 for n in (1, 2, 3)))
        findings = await found(ports)
    finally:
        mail_lab.nsupdate(DOMAIN, [f"update delete {DOMAIN}. MX 30 mail.elsewhere.invalid."])
        until(lambda: all(len(mail_lab.query(f"ns{n}", DOMAIN, "MX")) == 2 for n in (1, 2, 3)))
    text = "an MX record names mail.elsewhere.invalid, which leads to none of oslo, lima"
    assert findings == [("wrong", f"ns{n}", text) for n in (1, 2, 3)]


async def test_a_certificate_for_another_name_is_named(ports: Ports, mail_lab: Lab) -> None:
    tls = mail_lab.host("oslo").folder / "tls"
    other = mail_lab.host("lima").folder / "tls"
    usual = {name: (tls / name).read_bytes() for name in ("server.pem", "server.key")}
    try:
        for name in usual:
            (tls / name).write_bytes((other / name).read_bytes())
        with mail.setting(mail_lab, "oslo"):
            findings = await found(ports)
    finally:
        for name, content in usual.items():
            (tls / name).write_bytes(content)
        with mail.setting(mail_lab, "oslo"):
            pass
    (finding,) = [text for level, where, text in findings if (level, where) == ("wrong", "oslo")]
    assert finding.startswith("SMTP: its certificate is for ")
    assert finding.endswith(f", not for mx-oslo.{DOMAIN}")


async def test_recipients_that_one_exchanger_lacks_are_named(ports: Ports, mail_lab: Lab) -> None:
    table = mail_lab.path_on("oslo", "/etc/postfix/mailboxes")
    usual = table.read_text()
    table.write_text(f"{usual}carol@{DOMAIN} there\n")
    try:
        findings = await found(ports)
    finally:
        table.write_text(usual)
    assert findings == [("wrong", "lima", f"it lacks 1 address that oslo has: carol@{DOMAIN}")]


async def test_a_server_that_is_frozen_holds_up_no_other(
    ports: Ports, mail_lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ask_smtp, "__kwdefaults__", {"answer_s": 2.0, "whole_s": 30.0})
    mail_lab.freeze("lima")
    try:
        reply = await answered(ports, "mail")
    finally:
        mail_lab.back("lima")
    assert reply.facts is not None
    (domain,) = reply.facts["domains"]
    oslo, lima = domain["exchangers"]
    assert (oslo["probe"][:3], oslo["delivery"]["folder"], lima["probe"]) == ("250", "INBOX", None)
    assert [one["where"] for one in domain["findings"] if one["where"] == "oslo"] == []
    assert ("wrong", "lima", "SMTP: no answer to its banner within 2 s") in [
        (one["level"], one["where"], one["text"]) for one in domain["findings"]
    ]


async def test_no_probe_message_is_left_behind_on_any_server(ports: Ports, mail_lab: Lab) -> None:
    assert await found(ports) == []
    assert {name: mail.mailbox(mail_lab, name, PROBE) for name in ("oslo", "lima")} == {"oslo": [], "lima": []}
    assert mail.strangers_mail(mail_lab) == []
    assert mail.waiting(mail_lab, "oslo") == mail.waiting(mail_lab, "lima") == []


async def test_what_an_earlier_look_left_behind_is_taken_away_and_other_mail_is_not(
    ports: Ports, mail_lab: Lab
) -> None:
    for server, token in (("oslo", token_at(AN_HOUR_AGO, "0" * 32)), ("lima", token_at(AN_HOUR_AGO, "1" * 32))):
        mail.send_to(mail_lab, server, "", PROBE, message(token, PROBE, AN_HOUR_AGO).decode())
        mail.send_to(mail_lab, server, "", PROBE, "Subject: of somebody\n\nwords\n")
        until(lambda server=server: len(mail.mailbox(mail_lab, server, PROBE)) == 2)
    assert await found(ports) == []
    for server in ("oslo", "lima"):
        (kept,) = mail.mailbox(mail_lab, server, PROBE)
        assert "Subject: of somebody" in kept
    mail.empty_mailbox(mail_lab, "oslo", PROBE)
    mail.empty_mailbox(mail_lab, "lima", PROBE)


async def test_a_mailbox_that_nobody_may_look_into_gets_no_message(ports: Ports, mail_lab: Lab) -> None:
    wrong = replace(ports.fleet.mail.domains[DOMAIN].mailbox, password=SecretRef("env", "SHARPNET_TSIG"))
    domain = replace(ports.fleet.mail.domains[DOMAIN], mailbox=wrong)
    changed = replace(ports.fleet, mail=replace(ports.fleet.mail, domains={DOMAIN: domain}))
    findings = await found(replace(ports, fleet=changed))
    assert [(level, where) for level, where, _ in findings] == [("wrong", "oslo"), ("wrong", "lima")]
    assert findings[0][2].startswith(f"no probe message was sent to {PROBE}: it does not let {PROBE} log in: ")
    assert mail.mailbox(mail_lab, "oslo", PROBE) == []


async def test_the_password_goes_to_no_server_whose_certificate_is_not_for_the_name_in_app_yaml(
    ports: Ports, mail_lab: Lab
) -> None:
    servers = {
        name: replace(server, checks=replace(server.checks, mail_name="mail.nowhere.example"))
        for name, server in ports.fleet.servers.items()
    }
    findings = await found(replace(ports, fleet=replace(ports.fleet, servers=servers)))
    unsent = [where for _, where, text in findings if text.startswith(f"no probe message was sent to {PROBE}: ")]
    assert unsent == ["oslo", "lima"]
    assert mail.mailbox(mail_lab, "oslo", PROBE) == []
