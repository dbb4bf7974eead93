"""What was tried is said in one line: how it went, and what to do next."""

from __future__ import annotations

from core.status.findings import Finding


def test_a_finding_names_what_was_tried_how_it_went_and_what_to_do() -> None:
    assert Finding("login to uk", ok=True).in_words == "login to uk"
    assert Finding("login to uk", ok=True, why="OpenSSH 9.2").in_words == "login to uk: OpenSSH 9.2"
    failed = Finding("login to uk", ok=False, why="refused", hint="Start sshd.")
    assert failed.in_words == "login to uk: refused → Start sshd."
