"""How rsync, ssh and the script on the mirror end is told as what it was; the texts are from the real ones."""

from __future__ import annotations

import pytest

from core.failure import Failure
from core.sync.failures import attributes_refused, failure_of

CASES = {
    "disk-full": (
        11,
        (
            'rsync: [receiver] write failed on "big.bin": No space left on device (28)\n'
            "rsync error: error in file IO (code 11) at receiver.c(381) [receiver=3.5.0]\n"
        ),
    ),
    "host-key": (
        255,
        (
            "No ED25519 host key is known for [127.1.1.1]:2222 and you have requested strict checking.\r\n"
            "Host key verification failed.\r\nrsync error: unexplained error (code 255) at io.c(232) [Receiver=3.5.0]\n"
        ),
    ),
    "login-refused": (
        255,
        (
            "web@127.1.1.1: Permission denied (publickey).\r\n"
            "rsync: connection unexpectedly closed (0 bytes received so far) [Receiver]\n"
        ),
    ),
    "peer-key": (
        255,
        'Load key "/srv/keys/peer": Permission denied\r\nweb@127.1.1.1: Permission denied (publickey).\r\n',
    ),
    "unreachable": (255, "ssh: connect to host 127.1.1.1 port 2222: Connection refused\r\n"),
    "source-symlink": (
        12,
        ("sharpnet-stop: source-symlink\nrsync: connection unexpectedly closed (0 bytes received so far) [Receiver]\n"),
    ),
    "source-outside": (12, "/usr/bin/rrsync error: unsafe arg: shop/ ['shop', '/']\n"),
    "source-missing": (
        23,
        (
            'rsync: [sender] change_dir "/srv/oslo/www/shop" failed: No such file or directory (2)\n'
            "rsync error: some files/attrs were not transferred (see previous errors) (code 23) at main.c(1865)\n"
        ),
    ),
    "source-unreadable": (
        23,
        'rsync: [sender] send_files failed to open "/srv/www/shop/secret": Permission denied (13)\n',
    ),
    "limited-key": (12, "/usr/bin/rrsync error: do not use .. in arg (anchor the path at the root)\n"),
    "no-rsync": (127, "bash: line 1: rsync: command not found\n"),
    "permission": (23, 'rsync: [receiver] mkstemp "/srv/.x.AbC" failed: Permission denied (13)\n'),
    "timed-out": (30, "[Receiver] io timeout after 120 seconds -- exiting\n"),
    "too-many-deletes": (25, "Deletions stopped due to --max-delete limit (3 skipped)\n"),
    "link-lost": (12, "rsync: connection unexpectedly closed (4711 bytes received so far) [receiver]\n"),
    "failed": (5, "something that nobody has seen before\n"),
}


def trouble(exit_code: int, err: str) -> Failure:
    found = failure_of(exit_code, err.encode(), source="oslo", mirror="lima")
    assert found is not None
    return found


@pytest.mark.parametrize("code", CASES)
def test_each_way_of_failing_is_told_as_what_it_was(code: str) -> None:
    assert trouble(*CASES[code]).code == code


@pytest.mark.parametrize("code", CASES)
def test_every_trouble_says_which_server_and_what_to_do(code: str) -> None:
    found = trouble(*CASES[code])
    assert "oslo" in found.message or "lima" in found.message
    assert found.hint
    assert "{" not in found.message + found.hint


def test_a_stall_is_told_with_the_limit_that_rsync_had() -> None:
    assert (
        trouble(30, "[Receiver] io timeout after 600 seconds -- exiting\n").message
        == "nothing came from oslo for 10 min"
    )
    assert trouble(30, "timeout in data send/receive\n").message == "nothing came from oslo for too long"


@pytest.mark.parametrize("seconds", ["9" * 10, "9" * 20, "9" * 5000, "٣"])
def test_a_stall_of_a_length_that_no_clock_knows_is_told_without_it(seconds: str) -> None:
    said = trouble(30, f"[Receiver] io timeout after {seconds} seconds -- exiting\n")
    assert said.message == "nothing came from oslo for too long"


def test_files_that_vanished_while_they_were_read_are_no_trouble() -> None:
    assert failure_of(24, b'file has vanished: "/srv/www/shop/tmp"\n', source="a", mirror="b") is None
    assert failure_of(0, b"", source="a", mirror="b") is None


def test_what_nobody_knows_is_quoted_with_its_status() -> None:
    found = trouble(5, "\nsomething odd\n\nand more\n")
    assert found.message == "copying to lima failed (status 5)"
    assert found.hint == "It said: something odd / and more"


def test_a_long_message_is_cut() -> None:
    assert len(trouble(5, "x" * 10_000).hint) < 400


def test_nothing_said_leaves_the_status() -> None:
    assert trouble(77, "") == Failure("failed", "copying to lima failed (status 77)")


def test_a_missing_source_is_refused_and_not_a_failure() -> None:
    assert trouble(*CASES["source-missing"]).refused


def test_where_the_script_stopped_its_reason_is_told_with_what_it_found() -> None:
    found = trouble(90, "sharpnet-stop: mount-inside /srv/lima/www/shop/uploads\n")
    assert found.code == "mount-inside"
    assert found.message.endswith("(/srv/lima/www/shop/uploads)")
    assert found.refused


def test_a_stop_without_a_known_reason_is_a_failure() -> None:
    assert trouble(90, "").code == "failed"
    assert trouble(90, "sharpnet-stop: moon-phase\n").code == "failed"


def test_a_stop_line_counts_only_with_the_status_of_a_stop() -> None:
    assert trouble(12, "sharpnet-stop: busy\n").code == "link-lost"


def test_acls_that_a_file_system_refuses_are_worth_going_without() -> None:
    err = b"rsync: [generator] set_acl: sys_acl_set_file(x, ACL_TYPE_ACCESS): Operation not supported (95)\n"
    end = b"rsync error: some files/attrs were not transferred (see previous errors) (code 23) at main.c(1865)\n"
    assert attributes_refused(23, err + end)
    assert attributes_refused(4, b"ACLs are not supported on this server\n")
    assert attributes_refused(
        23, b'rsync: [receiver] rsync_xal_set: lsetxattr("x","user.a") failed: Operation not permitted (1)\n'
    )


def test_other_failures_are_not_taken_for_attributes() -> None:
    err = b"rsync: [generator] set_acl: sys_acl_set_file(x): Operation not supported (95)\n"
    assert not attributes_refused(23, err + b'rsync: [receiver] open "y" failed: Permission denied (13)\n')
    assert not attributes_refused(0, err)
    assert not attributes_refused(23, b"")
