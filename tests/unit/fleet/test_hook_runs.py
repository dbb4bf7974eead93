from __future__ import annotations

import shlex
from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from core.fleet import Hook, Hooks, Site
from core.fleet.hook_runs import (
    LONGEST_LINE,
    HookRun,
    HookTrouble,
    hook_runs,
    last_line,
    one_line,
)

STOP = Hook("source", "stop writing", timedelta(seconds=9))
WARM = Hook("target", "warm")
TOLD = Hook("east", "tell")


def test_a_hook_runs_on_the_side_or_server_that_it_names_with_the_root_there() -> None:
    site = Site("shop", "north", ("south",), ("shop.test",), "/srv/{server}/shop")
    site = replace(site, hooks=Hooks(before_sync=(STOP, WARM, TOLD)))
    runs = hook_runs(site, "before_sync", "north", "south")
    assert [(one.server, one.run, one.root, one.timeout_s) for one in runs] == [
        ("north", "stop writing", "/srv/north/shop", 9.0),
        ("south", "warm", "/srv/south/shop", 60.0),
        ("east", "tell", "/srv/east/shop", 60.0),
    ]
    assert hook_runs(site, "freeze", "north", "south") == ()


@given(st.text(st.characters(exclude_characters="\0", codec="utf-8")), st.text(st.characters(exclude_characters="\0")))
def test_whatever_a_name_and_a_command_hold_each_is_one_word(name: str, run: str) -> None:
    line = HookRun(name, "freeze", "north", run, 1.0, "north", "south", f"/srv/{name}").shell_line
    assert shlex.split(line) == [
        "env",
        f"SITE={name}",
        "SOURCE=north",
        "TARGET=south",
        f"ROOT=/srv/{name}",
        "sh",
        "-c",
        run,
    ]


def test_a_failure_says_which_hook_where_and_what_helps() -> None:
    run = HookRun("shop", "freeze", "north", "stop\n  writing", 1.0, "north", "south", "/srv")
    trouble = HookTrouble(run, "status 1: no")
    assert trouble.message == "the freeze hook `stop writing` on north failed: status 1: no"
    assert trouble.hint == "Mend it on north, or take it out of sites.shop.hooks in app.yaml."


def test_the_last_line_is_of_standard_error_where_there_is_one() -> None:
    assert last_line(b"out\n", b"first\nlast \n\n") == "last"
    assert last_line(b"one\ntwo\n", b"\n") == "two"
    assert last_line(b"", b"") == ""


@given(st.binary(max_size=400))
def test_what_is_shown_of_output_is_printable_and_short(said: bytes) -> None:
    line = last_line(b"", said)
    assert line.isprintable()
    assert len(line) <= LONGEST_LINE
    assert one_line("a" * 300).endswith("…")
