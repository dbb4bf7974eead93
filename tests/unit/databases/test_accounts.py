"""Which account of a database server loads no dump, and which one is not given what belonged to others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.databases.accounts import DatabaseAccount, account_of_grants, why_not_give, why_not_load_as
from core.databases.copies import fresh_name, stem

ME = "TO `app`@`localhost`"
OWN = [
    f"GRANT USAGE ON *.* {ME} IDENTIFIED VIA unix_socket",
    f"GRANT ALL PRIVILEGES ON `my_shop`.* {ME}",
    f"GRANT ALL PRIVILEGES ON `my\\_shop`.* {ME}",
    f"GRANT ALL PRIVILEGES ON `my\\_shop\\_sharpnet\\_%`.* {ME}",
    f"GRANT ALL PRIVILEGES ON `{stem('my_shop')}%`.* {ME} WITH GRANT OPTION",
    f"GRANT SELECT ON `mysql`.`proc` {ME}",
    f"GRANT SHOW DATABASES, LOCK TABLES, RELOAD ON *.* {ME}",
    f"GRANT SELECT ON `sys`.* {ME}",
    f"REVOKE INSERT ON `mysql`.* FROM {ME}",
    f"SET DEFAULT ROLE NONE FOR {ME[3:]}",
]


def test_rights_to_its_own_database_and_what_stands_beside_it_are_enough() -> None:
    account = account_of_grants("app@localhost", OWN, "my_shop")
    assert account == DatabaseAccount("app@localhost")
    assert why_not_load_as(account, "my_shop", "south") is None


@pytest.mark.parametrize(
    ("grant", "power"),
    [
        ("GRANT ALL PRIVILEGES ON *.* {} WITH GRANT OPTION", "ALL PRIVILEGES on everything"),
        ("GRANT RELOAD, FILE ON *.* {}", "FILE on everything"),
        ("GRANT SET USER ON *.* {}", "SET USER on everything"),
        ("GRANT BINLOG_ADMIN,SET_USER_ID ON *.* {}", "BINLOG_ADMIN on everything, SET_USER_ID on everything"),
        ("GRANT SELECT ON `mysql`.* {}", "SELECT on mysql.*"),
        ("GRANT SELECT ON `MySQL`.`user` {}", "SELECT on MySQL.user"),
        ("GRANT SELECT, INSERT ON `mysql`.`proc` {}", "SELECT on mysql.proc, INSERT on mysql.proc"),
        ("GRANT SELECT (`Host`, `User`) ON `mysql`.`user` {}", "SELECT on mysql.user"),
        ("GRANT ALL PRIVILEGES ON `%`.* {}", "ALL PRIVILEGES on %.*"),
        ("GRANT ALL PRIVILEGES ON `m_sq%`.* {}", "ALL PRIVILEGES on m_sq%.*"),
        ("GRANT `strong` {}", "`strong`"),
        ("GRANT PROXY ON ''@'%' TO 'root'@'localhost' WITH GRANT OPTION", "PROXY ON ''@'%'"),
        ("GRANT something new", "something new"),
    ],
)
def test_a_right_to_the_server_itself_is_a_power_and_loads_nothing(grant: str, power: str) -> None:
    for place in range(len(OWN) + 1):
        grants = [*OWN[:place], grant.format(ME), *OWN[place:]]
        account = account_of_grants("app@localhost", grants, "my_shop")
        assert ", ".join(account.powers) == power
        refused = why_not_load_as(account, "my_shop", "south")
        assert refused is not None
        assert (str(refused.code), refused.refused) == ("too-many-rights", True)
        assert refused.message == (
            "the database user app@localhost on south may do more than a copy of my_shop needs: " + power
        )


@pytest.mark.parametrize(
    "pattern",
    [
        "other",
        "my_shop2",
        "my_shop%",
        "m%_shop",
        "m\\%y_shop",
        "my_shop_sharpnet_%_%",
        "my_shop_sharpnet%",
        "a_sharpnet_%",
    ],
)
def test_a_right_to_another_database_is_elsewhere(pattern: str) -> None:
    account = account_of_grants("app", [*OWN, f"GRANT INSERT ON `{pattern}`.* {ME}"], "my_shop")
    assert account == DatabaseAccount("app", (), (pattern,))
    assert why_not_load_as(account, "my_shop", "south") is None
    assert account_of_grants("app", [f"GRANT USAGE ON `{pattern}`.* {ME}"], "my_shop").elsewhere == ()


@given(st.text(min_size=1, max_size=30), st.text(min_size=1, max_size=30))
def test_a_grant_on_one_database_is_never_one_on_another(own: str, other: str) -> None:
    def grants(name: str) -> list[str]:
        pattern = "".join(f"\\{letter}" if letter in "%_\\" else letter for letter in name).replace("`", "``")
        return [f"GRANT ALL PRIVILEGES ON `{pattern}`.* {ME}"]

    mine = account_of_grants("app", grants(own), own)
    if own.lower() != "mysql":
        assert mine == DatabaseAccount("app")
        assert account_of_grants("app", grants(fresh_name(own, "run")), own).elsewhere == (
            fresh_name(own, "run").replace("_", "\\_"),
        )
    theirs = account_of_grants("app", grants(other), own)
    assert (
        own == other
        or theirs.elsewhere
        or theirs.powers
        or other in {"information_schema", "performance_schema", "sys"}
    )


def test_what_belonged_to_others_is_not_given_to_whoever_may_change_other_databases() -> None:
    shared = DatabaseAccount("app", elsewhere=("blog", "wiki"))
    refused = why_not_give(shared, "my_shop", "south", ["root", "ann"])
    assert refused is not None
    assert (str(refused.code), refused.refused) == ("database-definer", True)
    assert refused.message == (
        "the database my_shop holds what belongs to root, ann; on south it would get the rights of the database user "
        "app, who may change blog, wiki too"
    )
    assert why_not_give(shared, "my_shop", "south", []) is None
    assert why_not_give(DatabaseAccount("app"), "my_shop", "south", ["root"]) is None
