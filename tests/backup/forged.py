"""Snapshots as a server can write them that has the repository's password: with whatever it likes in them."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import time
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.poly1305 import Poly1305

from core.backup.repositories import repository_password

if TYPE_CHECKING:
    from pathlib import Path

    from backup.harness import Vault

NONCE_BYTES = 16


def restic(vault: Vault, *words: str, cwd: str | None = None, of: str = "oslo") -> str:
    """Run restic on a server's repository, as somebody on whose machine it lies, and return what it says."""
    argv = _argv(vault, of, *words)
    ran = subprocess.run(argv, env=_environ(of), cwd=cwd, capture_output=True, text=True, check=True, timeout=60)
    _give_back(vault)
    return ran.stdout


def leave_lock(vault: Vault, of: str) -> None:
    """Have a backup into a server's repository die in the middle."""
    locks = vault.repository_of(of) / "locks"
    with subprocess.Popen(_argv(vault, of, "backup", "--stdin"), env=_environ(of), stdin=subprocess.PIPE) as saving:
        while not any(locks.iterdir()):
            assert saving.poll() is None
            time.sleep(0.05)
        saving.kill()
    assert any(locks.iterdir())
    _give_back(vault)


def saved(vault: Vault, folder: Path, *names: str, of: str = "oslo") -> str:
    """Save what `folder` holds, with paths that begin there, and return the snapshot's whole id."""
    restic(vault, "backup", *names, cwd=str(folder), of=of)
    listed: list[dict[str, Any]] = json.loads(restic(vault, "snapshots", "--json", of=of))
    return str(max(listed, key=lambda one: one["time"])["id"])


def forge(vault: Vault, like: str, of: str = "oslo", **claims: object) -> str:
    """Write a snapshot like that one which claims something else, and return its whole id."""
    key = json.loads(restic(vault, "cat", "masterkey", of=of))
    plain = {**json.loads(restic(vault, "cat", "snapshot", like, of=of)), **claims}
    sealed = _sealed(json.dumps(plain).encode(), key)
    full_id = hashlib.sha256(sealed).hexdigest()
    (vault.repository_of(of) / "snapshots" / full_id).write_bytes(sealed)
    _give_back(vault)
    return full_id


def _sealed(plain: bytes, key: dict[str, Any]) -> bytes:
    """Encrypt and sign as restic's design has it: AES-256-CTR, then Poly1305-AES over the ciphertext."""
    nonce = os.urandom(NONCE_BYTES)
    encrypting = Cipher(algorithms.AES(base64.b64decode(key["encrypt"])), modes.CTR(nonce)).encryptor()
    secret = encrypting.update(plain) + encrypting.finalize()
    blinding = Cipher(algorithms.AES(base64.b64decode(key["mac"]["k"])), modes.ECB()).encryptor()  # noqa: S305 - so
    once = base64.b64decode(key["mac"]["r"]) + blinding.update(nonce) + blinding.finalize()
    return nonce + secret + Poly1305.generate_tag(once, secret)


def _argv(vault: Vault, of: str, *words: str) -> list[str]:
    return ["restic", "-q", "--no-cache", "-r", str(vault.repository_of(of)), *words]


def _environ(of: str) -> dict[str, str]:
    password = repository_password(os.environ["SHARPNET_TEST_RESTIC"].encode(), of).decode()
    return {**os.environ, "RESTIC_PASSWORD": password}


def _give_back(vault: Vault) -> None:
    """Give what was written to the off-site host's user."""
    owner = vault.repository.stat()
    for path in vault.lab.path_on("offsite", vault.place).rglob("*"):
        os.chown(path, owner.st_uid, owner.st_gid)
