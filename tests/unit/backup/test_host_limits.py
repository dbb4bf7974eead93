"""What whoever steals the bot's key could do on the off-site host is told, and what it could not is not."""

from __future__ import annotations

import pytest

from core.backup.host_limits import Owner, changeable, looked_at, why_too_much

ROOT, OURS, OTHER = Owner(0, 0o40755), Owner(1000, 0o40700), Owner(1001, 0o40755)
PATH = "/srv/vault"


def test_the_keys_and_the_backups_are_looked_at() -> None:
    assert looked_at(PATH) == (".", ".ssh", ".ssh/authorized_keys", PATH)


@pytest.mark.parametrize(
    ("owners", "found"),
    [
        ({".": ROOT, PATH: OURS}, ()),
        ({".": ROOT, ".ssh": ROOT, ".ssh/authorized_keys": ROOT, PATH: OURS}, ()),
        ({".": OTHER, PATH: OURS}, ()),
        ({".": OURS, ".ssh": ROOT, PATH: OURS}, (".",)),
        ({".": ROOT, ".ssh": OURS, ".ssh/authorized_keys": OURS, PATH: OURS}, (".ssh", ".ssh/authorized_keys")),
        ({".": Owner(0, 0o41777), PATH: OURS}, (".",)),
        ({".": Owner(0, 0o40775), PATH: OURS}, ()),
        ({".": OURS}, ()),
        ({}, ()),
    ],
)
def test_what_belongs_to_whoever_owns_the_backups_or_anybody_may_write_can_be_changed(
    owners: dict[str, Owner], found: tuple[str, ...]
) -> None:
    assert changeable(owners, PATH) == found


def test_each_thing_that_is_too_much_is_said_and_where_nothing_is_nothing_is_said() -> None:
    assert why_too_much((), has_shell=False) is None
    shell, keys = why_too_much((), has_shell=True), why_too_much((".", ".ssh"), has_shell=False)
    both = why_too_much((".",), has_shell=True)
    assert shell is not None
    assert keys is not None
    assert both is not None
    assert shell.message == "it has a shell"
    assert keys.message == "it may let others in: it may change ., .ssh"
    assert both.message == "it has a shell and it may let others in: it may change ."
