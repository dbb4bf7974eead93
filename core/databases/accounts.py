"""What the account of a database server may do that loads a copy: more than its own database is for nobody to have.

A dump is written by another server, so whatever it says is done with that account's rights. One that may do something
to the server itself never loads one. One that may change other databases too is not given what belonged to others: a
view or a routine does what its owner may.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.databases.copies import plain_name, stem
from core.failure import Failure, FailureCode
from core.wording import listing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NAMED = 3
# Rights on all databases with which no other account's data are read, nothing is written and nobody is let in.
_HARMLESS = frozenset(
    {
        "USAGE",
        "SHOW DATABASES",
        "SHOW CREATE ROUTINE",
        "LOCK TABLES",
        "RELOAD",
        "BINLOG MONITOR",
        "REPLICATION CLIENT",
    }
)
_SYSTEM = frozenset({"information_schema", "performance_schema", "sys"})
_GRANT = re.compile(
    r"GRANT (?P<rights>.+?) ON (?:(?:TABLE|FUNCTION|PROCEDURE|PACKAGE|PACKAGE BODY) )?"
    r"(?P<database>\*|`(?:[^`]|``)*`)\.(?P<inside>\*|`(?:[^`]|``)*`) TO .+",
    re.DOTALL,
)
_COLUMNS = re.compile(r" \([^)]*\)")
_PART = re.compile(r"\\.|.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class DatabaseAccount:
    """An account of a database server.

    powers: what it may do to the server itself, as people are told it. elsewhere: what else it may change.
    """

    name: str
    powers: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()


def why_not_load_as(account: DatabaseAccount, database: str, server: str) -> Failure | None:
    """Return why nothing that another server has sent may be loaded as `account`, or None."""
    if not account.powers:
        return None
    return Failure(
        FailureCode.TOO_MANY_RIGHTS,
        f"the database user {account.name} on {server} may do more than a copy of {database} needs: "
        f"{listing(account.powers, NAMED)}",
        "A dump could do on that server whatever that user may. docs/databases.md has the rights that are enough.",
        refused=True,
    )


def why_not_give(account: DatabaseAccount, database: str, server: str, owners: Sequence[str]) -> Failure | None:
    """Return why what belongs to `owners` may not become `account`'s, or None. owners: none of them can be kept."""
    if not owners or not account.elsewhere:
        return None
    whose, elsewhere = listing(tuple(owners), NAMED), listing(account.elsewhere, NAMED)
    return Failure(
        FailureCode.DATABASE_DEFINER,
        f"the database {database} holds what belongs to {whose}; on {server} it would get the rights of the database "
        f"user {account.name}, who may change {elsewhere} too",
        "Give the site a database user of its own in app.yaml (docs/databases.md).",
        refused=True,
    )


def account_of_grants(name: str, grants: Iterable[str], database: str) -> DatabaseAccount:
    """Return the account of MariaDB or MySQL that `grants` are of, the lines of SHOW GRANTS, for a copy of `database`.

    A line that is not understood is a power: better one refusal too many.
    """
    powers: list[str] = []
    elsewhere: list[str] = []
    for grant in grants:
        if not grant.startswith("GRANT "):
            # REVOKE takes away, SET DEFAULT ROLE gives nothing that GRANT has not given.
            continue
        found = _GRANT.fullmatch(grant)
        if found is None:
            powers.append(grant.removeprefix("GRANT ").partition(" TO ")[0])
            continue
        rights = _COLUMNS.sub("", found["rights"]).split(",")
        strong = [right for right in map(str.strip, rights) if right not in _HARMLESS]
        pattern, inside = _unquoted(found["database"]), _unquoted(found["inside"])
        if pattern == "*":
            powers += [f"{right} on everything" for right in strong]
        elif (pattern, inside, strong) == ("mysql", "proc", ["SELECT"]):
            # The texts of routines.
            continue
        elif _covers(pattern, "mysql"):
            powers += [f"{right} on {pattern}.{inside}" for right in strong]
        elif strong and pattern not in _SYSTEM and not _is_own(pattern, database):
            elsewhere.append(pattern)
    return DatabaseAccount(name, tuple(powers), tuple(elsewhere))


def _unquoted(name: str) -> str:
    return name if name == "*" else name[1:-1].replace("``", "`")


def _covers(pattern: str, name: str) -> bool:
    """Return whether a grant on `pattern` is one on the database `name`: % and _ stand for other characters."""
    wild = {"%": ".*", "_": "."}
    expression = "".join(wild.get(part) or re.escape(part[-1]) for part in _PART.findall(pattern))
    return re.fullmatch(expression, name, re.IGNORECASE | re.DOTALL) is not None


def _is_own(pattern: str, database: str) -> bool:
    """Return whether a grant on `pattern` is one on the database or on what stands beside it, and on nothing else.

    An underscore is taken for itself, as most people write it.
    """
    parts = _PART.findall(pattern)
    beside = parts[-1:] == ["%"]
    begins = "".join(part[-1] for part in (parts[:-1] if beside else parts))
    if "%" in parts[:-1]:
        return False
    if not beside:
        return begins == database
    return begins.startswith(stem(database)) or begins == f"{plain_name(database)}_sharpnet_"
