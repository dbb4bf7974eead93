from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pyotp
import pytest

from core.errors import RefusedError, SettingsError
from core.fleet import SlackAccess
from core.plan.second_factor import begin_of, code_in, holder_of, needs_code
from ops.fleetfile import examine
from ops.fleetfile.second_factor import enroll, step_of

if TYPE_CHECKING:
    from pathlib import Path

# RFC 6238, appendix B (SHA-1); its codes have eight digits, of which these are the last six.
RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
RFC_CODES = {59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037"}
ACCESS = SlackAccess("C1", approvers=("U0ALICE",), terminal={"alice": "U0ALICE"})


@pytest.fixture
def folder(tmp_path: Path) -> str:
    (tmp_path / "U0ALICE.totp").write_text(f"{RFC_SECRET}\n")
    (tmp_path / "U0ALICE.totp").chmod(0o600)
    return str(tmp_path)


@pytest.mark.parametrize(("at_s", "code"), RFC_CODES.items())
def test_the_codes_are_those_of_the_rfc(folder: str, at_s: int, code: str) -> None:
    at = datetime.fromtimestamp(at_s, UTC)
    step = step_of(folder, "U0ALICE", code, at)
    assert step is not None
    assert begin_of(step) == datetime.fromtimestamp(at_s - at_s % 30, UTC)


def test_a_code_counts_one_step_early_and_late_and_no_further(folder: str) -> None:
    at = datetime.fromtimestamp(1234567890, UTC)
    found = {
        seconds: step_of(folder, "U0ALICE", "005924", at + timedelta(seconds=seconds))
        for seconds in (-31, -30, 0, 29, 30, 59, 60)
    }
    step = 1234567890 // 30
    assert found == {-31: None, -30: step, 0: step, 29: step, 30: step, 59: step, 60: None}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("123456", "123456"), (" 123 456 ", "123456"), ("012345", "012345"), ("12345", None), ("1234567", None),
        ("", None), ("12345a", None), ("\uff11\uff12\uff13\uff14\uff15\uff16", None), ("-12345", None),
    ],
)  # fmt: skip
def test_a_code_is_six_digits(text: str, code: str | None) -> None:
    assert code_in(text) == code


@pytest.mark.parametrize(
    ("label", "access", "holder"),
    [
        ("slack:U0ALICE", ACCESS, "U0ALICE"),
        ("terminal:alice", ACCESS, "U0ALICE"),
        ("terminal:root", ACCESS, "terminal"),
        ("terminal:root", None, "terminal"),
    ],
)
def test_whose_code_it_takes_is_the_person_wherever_they_are(
    label: str, access: SlackAccess | None, holder: str
) -> None:
    assert holder_of(label, access) == holder


def test_an_enrolled_secret_is_ones_own_and_gives_the_codes_of_the_address(tmp_path: Path) -> None:
    folder, now = tmp_path / "keys" / "totp", datetime.now(UTC)
    address = enroll(str(folder), "U0ALICE", "small", again=False)
    shown = pyotp.parse_uri(address)
    assert isinstance(shown, pyotp.TOTP)
    assert (shown.issuer, shown.name) == ("Sharpnet", "U0ALICE (small)")
    assert step_of(str(folder), "U0ALICE", shown.at(now), now) is not None
    assert ((folder.stat().st_mode & 0o777), ((folder / "U0ALICE.totp").stat().st_mode & 0o777)) == (0o700, 0o600)
    assert [file.name for file in folder.iterdir()] == ["U0ALICE.totp"]


def test_who_is_enrolled_keeps_their_secret_unless_another_is_asked_for(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    first = pyotp.parse_uri(enroll(str(tmp_path), "U0ALICE", "small", again=False))
    with pytest.raises(RefusedError, match="is enrolled already") as refused:
        enroll(str(tmp_path), "U0ALICE", "small", again=False)
    assert "enroll U0ALICE --again" in refused.value.hint
    assert isinstance(first, pyotp.TOTP)
    assert step_of(str(tmp_path), "U0ALICE", first.at(now), now) is not None
    second = pyotp.parse_uri(enroll(str(tmp_path), "U0ALICE", "small", again=True))
    assert second.secret != first.secret
    assert step_of(str(tmp_path), "U0ALICE", first.at(now), now) is None
    assert [file.name for file in tmp_path.iterdir()] == ["U0ALICE.totp"]


@pytest.mark.parametrize("content", ["too short", "AAAA", "GEZDGNBVGY3TQOJQ"])
def test_a_file_that_holds_no_secret_gives_no_code(tmp_path: Path, content: str) -> None:
    (tmp_path / "U0ALICE.totp").write_text(content)
    (tmp_path / "U0ALICE.totp").chmod(0o600)
    with pytest.raises(SettingsError, match="holds no secret") as refused:
        step_of(str(tmp_path), "U0ALICE", "123456", datetime.now(UTC))
    assert content not in str(refused.value)


def test_a_secret_that_others_can_read_gives_no_code(folder: str, tmp_path: Path) -> None:
    (tmp_path / "U0ALICE.totp").chmod(0o644)
    with pytest.raises(SettingsError, match="open to others"):
        step_of(folder, "U0ALICE", "287082", datetime.fromtimestamp(59, UTC))


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="cannot be written: Not a directory"):
        enroll(str(tmp_path / "file" / "totp"), "U0ALICE", "small", again=False)


@pytest.mark.parametrize(
    ("line", "folder", "needs"),
    [
        ("approve K7Q2 --digest ab", "/keys/totp", True),
        ("approve K7Q2 --digest ab", None, False),
        ("cancel K7Q2", "/keys/totp", False),
        ("approver", "/keys/totp", False),
    ],
)
def test_a_button_that_approves_takes_a_code_where_the_file_wants_one(
    line: str, folder: str | None, needs: bool
) -> None:
    assert needs_code(line, SlackAccess("C1", second_factor=folder)) is needs


def test_without_slack_in_the_file_no_button_takes_a_code() -> None:
    assert not needs_code("approve K7Q2", None)


def test_a_secret_that_is_there_and_cannot_be_read_is_not_taken_for_none(tmp_path: Path) -> None:
    (tmp_path / "U0ALICE.totp").symlink_to("U0ALICE.totp")
    with pytest.raises(SettingsError, match="cannot be read: Too many levels"):
        step_of(str(tmp_path), "U0ALICE", "123456", datetime.now(UTC))
    with pytest.raises(SettingsError, match="U0BOB is not enrolled"):
        step_of(str(tmp_path), "U0BOB", "123456", datetime.now(UTC))


def test_an_enrolment_that_was_killed_does_not_keep_the_next_one_from_it(tmp_path: Path) -> None:
    (tmp_path / f"U0ALICE.{os.getpid()}").write_text("half")
    assert enroll(str(tmp_path), "U0ALICE", "small", again=False).startswith("otpauth://")


def test_who_has_no_secret_or_none_that_can_be_read_is_said_of_the_fleet_file(tmp_path: Path) -> None:
    (tmp_path / "app.yaml").write_text(
        "slack:\n  second_factor: codes\n  approvers: [U0ALICE, U0BOB, U0CAROL, S0ALL]\n"
    )
    (tmp_path / "codes").mkdir()
    (tmp_path / "codes/U0BOB.totp").symlink_to("U0BOB.totp")
    enroll(str(tmp_path / "codes"), "U0CAROL", "small", again=False)
    found = [problem for problem in examine(tmp_path / "app.yaml")[1] if problem.where.startswith("slack.approvers")]
    assert [(one.message.rpartition("/")[2], one.hint) for one in found] == [
        ("U0ALICE cannot approve: no secret for codes is there", "Type: sharpnet enroll U0ALICE"),
        (
            "U0BOB.totp cannot be read: Too many levels of symbolic links",
            "The user who runs Sharpnet must be able to read it.",
        ),
    ]
