"""What people write in the thread of an incident's message: mostly notes, sometimes a command."""

from __future__ import annotations

import pytest

from core.incident.notes import LONGEST
from core.incident.thread import ThreadCommand, command_in, why_no_note


def note(text: str) -> ThreadCommand:
    return ThreadCommand("note", "7", text, typed=False)


@pytest.mark.parametrize(
    "text",
    [
        "called the data centre",
        "causes are unclear",
        "acknowledged by the host, they look at it",
        "ack, looking at it",
        "note-taking is on",
        "because of the fire",
        "/sharpnet status",
        "7",
    ],
)
def test_what_is_no_command_is_a_note(text: str) -> None:
    assert command_in(text, "outage", 7) == note(text)


@pytest.mark.parametrize("text", ["ack", "Ack", " ack. ", "ACK!", "sharpnet ack", "/sharpnet ack", "@sharpnet ack"])
def test_ack_alone_is_for_this_outage(text: str) -> None:
    assert command_in(text, "outage", 7) == ThreadCommand("ack", "7", None, typed=True)


def test_ack_with_a_number_is_for_that_outage() -> None:
    assert command_in("ack 9", "outage", 7) == ThreadCommand("ack", "9", None, typed=True)


def test_nobody_looks_after_planned_work_so_ack_is_a_note_there() -> None:
    assert command_in("ack", "maintenance", 3) == ThreadCommand("note", "M3", "ack", typed=False)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("cause a disk died", "a disk died"),
        ("Cause: a disk died", "a disk died"),
        ('cause "a disk died"', "a disk died"),
        ("cause “a disk died”", "a disk died"),
        ("cause the provider's switch", "the provider's switch"),
        ('/sharpnet cause 7 "a disk died"', "a disk died"),
        ("cause 7 a disk died", "a disk died"),
        ("cause\na disk\ndied", "a disk\ndied"),
        ("cause 2 disks died", "2 disks died"),
        ("cause 7", "7"),
        ("cause", ""),
    ],
)
def test_a_cause_is_this_incidents_however_it_is_written(text: str, cause: str) -> None:
    assert command_in(text, "outage", 7) == ThreadCommand("cause", "7", cause, typed=True)


def test_another_incident_is_meant_only_where_the_text_is_in_quotes() -> None:
    assert command_in('cause M3 "new disks"', "outage", 7) == ThreadCommand("cause", "M3", "new disks", typed=True)
    assert command_in("cause M3 new disks", "outage", 7) == ThreadCommand("cause", "7", "M3 new disks", typed=True)


def test_a_note_may_be_called_one() -> None:
    assert command_in("note they reboot it", "maintenance", 3) == ThreadCommand(
        "note", "M3", "they reboot it", typed=True
    )


@pytest.mark.parametrize("text", ["", " \n "])
def test_without_words_nothing_is_meant(text: str) -> None:
    assert command_in(text, "outage", 7) is None


def test_a_long_note_is_cut_and_one_that_just_fits_is_not() -> None:
    assert command_in("x" * LONGEST, "outage", 7) == note("x" * LONGEST)
    assert command_in("x" * (LONGEST + 1), "outage", 7) == note("x" * (LONGEST - 1) + "…")
    assert command_in("one\n\ntwo", "outage", 7) == note("one two")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("approve K7Q2", "approve"),
        ("Approve", "approve"),
        (" APPROVED!", "approved"),
        ("*approve* K7Q2", "approve"),
        ("> `approve K7Q2`", "approve"),
        ("/sharpnet approve K7Q2", "approve"),
        ("@sharpnet cancel K7Q2", "cancel"),
        ("sharpnet rollback K7Q2", "rollback"),
        ("failover uk --to us", "failover"),
        ("failback uk", "failback"),
        ("/sharpnet sync --all", "sync"),
        ("sharpnet   maintenance uk 2h", "maintenance"),
        ("/sharpnet backup run", "backup"),
        ("@sharpnet store accept", "store"),
    ],
)
def test_what_decides_is_neither_done_nor_kept_under_an_alert(text: str, words: str) -> None:
    assert why_no_note(text, ()) == f"`{words}` is not carried out under an alert, and was not kept as a note."


@pytest.mark.parametrize("text", ["K7Q2 looks right", "yes to k7q2", "I'd go with (K7Q2)."])
def test_what_names_a_plan_that_waits_is_no_note(text: str) -> None:
    assert why_no_note(text, {"AAAA", "K7Q2"}) == (
        "Plan K7Q2 is not decided under an alert; what you wrote was not kept as a note."
    )
    assert why_no_note(text, {"AAAA"}) is None


@pytest.mark.parametrize("text", ["yes, approve it", "ok, approved", "You have my approval"])
def test_while_a_plan_waits_nothing_that_speaks_of_approving_is_a_note(text: str) -> None:
    assert why_no_note(text, {"AAAA"}) == ("Nothing is approved under an alert; what you wrote was not kept as a note.")
    assert why_no_note(text, ()) is None


@pytest.mark.parametrize(
    "text",
    [
        "sync of the mail is slow",
        "the failover went well",
        "maintenance by the host",
        "cancelled the call",
        "/sharpnet status",
    ],
)
def test_what_people_say_to_each_other_stays_a_note(text: str) -> None:
    assert why_no_note(text, {"K7Q2"}) is None
