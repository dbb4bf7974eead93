"""Each server has a repository and a password of its own, which the handbook's command makes as well."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

from core.backup.repositories import SHARED, repository_password, repository_path

# Of `secret` and `uk`, by RFC 7914.
EXPECTED = b"346091c76a91fadedf519dac6ec20d7e8aa7fd0e1e7cda631b38de4d67d1efb0"
PAGE = Path(__file__).parents[3] / "docs/backup.md"


def test_the_one_of_before_stays_where_it_was_with_its_password() -> None:
    assert repository_path("/srv/vault", SHARED) == "/srv/vault"
    assert repository_password(b"secret", SHARED) == b"secret"


def test_a_servers_own_lies_in_a_folder_of_its_own() -> None:
    assert repository_path("/srv/vault", "uk") == "/srv/vault/servers/uk"


def test_a_password_is_of_one_server_and_one_secret() -> None:
    assert repository_password(b"secret", "uk") == EXPECTED
    others = [repository_password(b"secret", "us"), repository_password(b"secret2", "uk")]
    assert len({EXPECTED, b"secret", *others}) == 4


def test_the_page_says_how_to_make_it_without_the_bot() -> None:
    line = re.search(r"RESTIC_PASSWORD=\$\((python3 .*)\)$", PAGE.read_text(), re.MULTILINE)
    assert line is not None
    _, option, code, server = shlex.split(line[1])
    fed = code.replace("getpass.getpass()", "input()").replace("import getpass, ", "import ")
    argv = [sys.executable, option, fed, server]
    made = subprocess.run(argv, input=b"secret\n", capture_output=True, check=True, timeout=60)
    assert made.stdout.strip() == EXPECTED
