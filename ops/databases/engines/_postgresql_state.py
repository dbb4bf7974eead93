"""What is asked about a database of PostgreSQL and about a role, and how statements name what the answers say."""

# ruff: noqa: S608 -- whatever is put into a statement goes through `named` or `text`
from __future__ import annotations

import re

from core.databases.accounts import DatabaseAccount
from core.databases.copies import DatabaseState, stem
from ops.databases.asking import unhex

# Roles that the database names, with what they are there; and that of whoever made the cluster, which is not listed.
_ROLES = """
    SELECT 'role', CASE d.deptype WHEN 'o' THEN 'owner' ELSE 'other' END, encode(convert_to(r.rolname, 'UTF8'), 'hex')
        FROM pg_shdepend d JOIN pg_roles r ON d.refobjid = r.oid
        WHERE d.refclassid = 'pg_authid'::regclass
            AND d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
    UNION SELECT 'role', 'owner', encode(convert_to(r.rolname, 'UTF8'), 'hex') FROM (
            SELECT 'pg_class'::regclass AS kind, oid, relnamespace AS inside, relowner AS owner FROM pg_class
            UNION ALL SELECT 'pg_proc'::regclass, oid, pronamespace, proowner FROM pg_proc
            UNION ALL SELECT 'pg_type'::regclass, oid, typnamespace, typowner FROM pg_type
            UNION ALL SELECT 'pg_namespace'::regclass, oid, oid, nspowner FROM pg_namespace WHERE nspname <> 'public'
        ) AS c JOIN pg_roles r ON c.owner = r.oid JOIN pg_namespace n ON c.inside = n.oid
        WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND NOT EXISTS (
            SELECT FROM pg_depend d WHERE d.classid = c.kind AND d.objid = c.oid AND d.deptype = 'e');"""
_ABOUT = """
    SELECT pg_encoding_to_char(encoding), coalesce(to_jsonb(d)->>'datlocprovider', 'c'),
            encode(convert_to(datcollate, 'UTF8'), 'hex'), encode(convert_to(datctype, 'UTF8'), 'hex'),
            coalesce(to_jsonb(d)->>'datlocale', to_jsonb(d)->>'daticulocale', ''),
            encode(convert_to(pg_get_userbyid(datdba), 'UTF8'), 'hex'), pg_database_size(d.oid)
        FROM pg_database d WHERE datname = current_database();"""
_TABLES = """
    SELECT 'table', encode(convert_to(n.nspname || '.' || c.relname, 'UTF8'), 'hex')
        FROM pg_class c JOIN pg_namespace n ON c.relnamespace = n.oid
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema';"""
# What ALTER DATABASE … SET has set.
_SETTINGS = """
    SELECT 'setting', encode(convert_to(s, 'UTF8'), 'hex')
        FROM pg_db_role_setting, unnest(setconfig) AS s
        WHERE setrole = 0 AND setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database());"""
STATE = f"{_ABOUT}{_TABLES}{_ROLES}{_SETTINGS}"
# Of settings that are lists; the others have one value. pg_dump(1) knows the same ones.
_LISTS = frozenset(
    {
        "local_preload_libraries",
        "search_path",
        "session_preload_libraries",
        "shared_preload_libraries",
        "temp_tablespaces",
        "unix_socket_directories",
    }
)
_LISTED = re.compile(r'"((?:[^"]|"")*)"|([^,\s]+)')
# Whoever is one of these runs programs, reads and writes files as the server, or has it connect elsewhere.
_POWERS = ("pg_execute_server_program", "pg_read_server_files", "pg_write_server_files", "pg_create_subscription")


def state(answer: list[list[str]]) -> DatabaseState:
    """Read the answer to `STATE`. Raises ValueError, IndexError for what is none.

    `like` is encoding, provider, collation, character type, locale and owner; then the settings.
    """
    about, *rows = answer
    encoding, provider, collate, ctype, locale, owner, size_bytes = about
    return DatabaseState(
        exists=True,
        size_bytes=int(size_bytes),
        tables=frozenset(unhex(row[1]) for row in rows if row[0] == "table"),
        like=(
            *(encoding, provider, unhex(collate), unhex(ctype), locale, unhex(owner)),
            *(unhex(row[1]) for row in rows if row[0] == "setting"),
        ),
        owners=tuple(sorted({unhex(row[2]) for row in rows if row[:2] == ["role", "owner"]} | {unhex(owner)})),
        others=tuple(sorted({unhex(row[2]) for row in rows if row[:2] == ["role", "other"]})),
    )


def account_of(name: str) -> str:
    """Return the question what the bot's role may do besides loading a copy of the database `name`.

    A superuser is a member of every role: only its own name is told.
    """
    powers = ", ".join(map(text, _POWERS))
    return f"""
        SELECT 'name', encode(convert_to(session_user, 'UTF8'), 'hex');
        SELECT 'power', encode(convert_to(r.rolname, 'UTF8'), 'hex'),
                concat_ws(', ', CASE WHEN r.rolsuper THEN 'SUPERUSER' END,
                    CASE WHEN r.rolcreaterole THEN 'CREATEROLE' END,
                    CASE WHEN r.rolreplication THEN 'REPLICATION' END)
            FROM pg_roles r WHERE (r.rolname = session_user OR pg_has_role(session_user, r.oid, 'MEMBER')
                    AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = session_user))
                AND (r.rolsuper OR r.rolcreaterole OR r.rolreplication OR r.rolname IN ({powers}));
        SELECT 'elsewhere', encode(convert_to(d.datname, 'UTF8'), 'hex') FROM pg_database d
            WHERE d.datname <> {text(name)} AND NOT starts_with(d.datname::text, {text(stem(name))})
                AND (pg_has_role(session_user, d.datdba, 'MEMBER') OR d.oid IN (
                    SELECT s.dbid FROM pg_shdepend s WHERE s.refclassid = 'pg_authid'::regclass AND s.deptype = 'o'
                        AND pg_has_role(session_user, s.refobjid, 'MEMBER')));"""


def read_account(rows: list[list[str]]) -> DatabaseAccount:
    """Read the answer to `account_of`. Raises ValueError, IndexError for what is none."""
    (name,) = (unhex(row[1]) for row in rows if row[0] == "name")
    powers = [(unhex(row[1]), row[2]) for row in rows if row[0] == "power"]
    return DatabaseAccount(
        name,
        tuple((what if role == name else f"{what} as {role}") if what else role for role, what in powers),
        tuple(unhex(row[1]) for row in rows if row[0] == "elsewhere"),
    )


def assigned(setting: str) -> str:
    """Write a setting as ALTER DATABASE has it. setting: `name=value`, as another server has said it."""
    name, _, value = setting.partition("=")
    listed = [quoted.replace('""', '"') or plain for quoted, plain in _LISTED.findall(value)]
    values = listed if name in _LISTS else [value]
    return f"{named(name)} = {', '.join(map(text, values or ['']))}"


def named(name: str) -> str:
    """Write a name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """Write a value as SQL has it; with an E, so that a backslash means the same whatever the server's settings are."""
    return "E'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
