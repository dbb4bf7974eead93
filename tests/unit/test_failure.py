"""What failures have in common, whatever failed: their codes, their words, and how a script of ours names one."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import ops
from core import failure
from core.errors import FencedError, SharpnetError, UnreachableError
from core.failure import Failure, FailureCode, said_text, why_stopped

FULL = Failure(FailureCode.DISK_FULL, "the disk of {server} is full", "Make room on {server}.", refused=True)
BUSY = Failure(FailureCode.BUSY, "an earlier run still works on {server}")


def test_an_error_becomes_a_failure_whose_message_goes_on_in_a_sentence() -> None:
    error = UnreachableError("uk could not be reached.", hint="Is it up?")
    assert Failure.of(error) == Failure(FailureCode.UNREACHABLE, "uk could not be reached", "Is it up?")


def test_whatever_error_there_is_has_a_code_that_a_failure_may_have() -> None:
    for module in pkgutil.walk_packages(ops.__path__, "ops."):
        importlib.import_module(module.name)
    found, classes = set[str](), [SharpnetError]
    while classes:
        one = classes.pop()
        found.add(one.code)
        classes += one.__subclasses__()
    assert found > {"unreachable", "dns-unverified", "failed"}
    assert found <= set(FailureCode)


def test_names_stand_in_the_message_and_the_hint() -> None:
    said = FULL.about(server="uk", site="shop")
    assert (said.message, said.hint, said.refused) == ("the disk of uk is full", "Make room on uk.", True)


def test_a_program_that_is_missing_is_said_with_the_package_that_has_it() -> None:
    said = Failure.missing(FailureCode.NO_FLOCK, "{mirror}").about(mirror="uk")
    assert said == Failure(FailureCode.NO_FLOCK, "flock is missing on uk", "Install it there: apt install util-linux.")


@pytest.mark.parametrize(("failure", "outcome"), [(FULL, "refused"), (BUSY, "failed")])
def test_what_was_decided_against_was_refused_and_all_else_failed(failure: Failure, outcome: str) -> None:
    assert failure.outcome == outcome


def test_what_is_stored_of_a_failure_are_plain_strings() -> None:
    assert BUSY.facts == {"code": "busy", "why": "an earlier run still works on {server}", "hint": ""}
    assert type(BUSY.facts["code"]) is str


@pytest.mark.parametrize(
    ("exit_code", "text", "stopped"),
    [
        (90, "sharpnet-stop: busy\n", (BUSY, "")),
        (90, "warning\nsharpnet-stop: disk-full /srv/shop\nbye\n", (FULL, "/srv/shop")),
        (90, "sharpnet-stop: moon-phase\n", None),
        (90, "it said sharpnet-stop: busy\n", None),
        (12, "sharpnet-stop: busy\n", None),
    ],
)
def test_a_script_that_stops_names_the_failure_and_what_it_found(
    exit_code: int, text: str, stopped: tuple[Failure, str] | None
) -> None:
    assert why_stopped(exit_code, text, (FULL, BUSY)) == stopped


@pytest.mark.parametrize("err", [b"", b"disk full\n", b"a\r\n\nb", b"x" * 8000, b"x\n" * 250_000])
def test_what_a_program_usually_says_is_looked_through_as_it_is(err: bytes) -> None:
    assert said_text(err) == err.decode()


def test_what_is_no_text_is_looked_through_all_the_same() -> None:
    assert said_text(b"\xff full") == "\N{REPLACEMENT CHARACTER} full"


def test_of_a_very_long_line_both_ends_are_looked_at() -> None:
    said = said_text(b"first\nbegin" + b"x" * 7993 + b"end\nlast")
    assert said == f"first\nbegin{'x' * 3995}…{'x' * 3997}end\nlast"


def test_of_very_much_both_ends_are_looked_at() -> None:
    said = said_text(b"begin\n" + b"x\n" * 500_000 + b"end")
    assert said == "begin\n" + "x\n" * 124_997 + "\n" + "\n" + "x\n" * 124_998 + "end"


def test_a_server_that_writes_what_a_pattern_begins_with_over_and_over_is_read_in_pieces() -> None:
    said = said_text(b"[sender] read " * 1_000_000)
    assert max(map(len, said.splitlines())) == 8001
    assert len(said) < 20_000


# What the next site, or the next server, would meet as well, so that a batch stops at it.
BETWEEN = {"unreachable", "timed-out", "host-key", "login-refused", "peer-key", "no-rsync"}
OF_THE_REPOSITORY = {"wrong-password", "settings"}
BEFORE_IT = {"unreachable", "timed-out", "host-key", "login-refused", "no-restic", "no-repository", "offsite-lost",
             "offsite-disk", "offsite-permission"}  # fmt: skip
NOBODY_NEEDED = {"cancelled", "held", "quarantined", "served-unknown"}


@pytest.mark.parametrize("code", list(FailureCode))
def test_what_stops_a_batch_and_what_needs_nobody_is_told_by_its_code(code: FailureCode) -> None:
    assert (code in failure.BETWEEN_SERVERS) == (code.value in BETWEEN)
    assert (code in failure.OF_THE_REPOSITORY) == (code.value in OF_THE_REPOSITORY)
    assert (code in failure.BEFORE_THE_REPOSITORY) == (code.value in BEFORE_IT | OF_THE_REPOSITORY)
    assert (code in failure.NOT_WORTH_A_CARD) == (code.value in NOBODY_NEEDED)


@pytest.mark.parametrize(
    ("code", "program", "package"),
    [
        ("no-awk", "awk", "mawk"),
        ("no-flock", "flock", "util-linux"),
        ("no-restic", "restic", "restic"),
        ("no-rsync", "rsync", "rsync"),
    ],
)
def test_each_program_that_may_lack_is_in_a_package(code: str, program: str, package: str) -> None:
    said = Failure.missing(FailureCode(code), "uk")
    assert (said.message, said.hint) == (f"{program} is missing on uk", f"Install it there: apt install {package}.")


def test_a_fence_says_which_of_all_that_the_work_rests_on_did_not_hold() -> None:
    fence = object()
    error = FencedError("It is somebody else's.", fence=fence)
    assert (error.fence, error.code, Failure.of(error).code) == (fence, "fenced", FailureCode.FENCED)
    assert FencedError("It is somebody else's.").fence is None
