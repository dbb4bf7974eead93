"""Snapshots as a server can write them that has the repository's password: with whatever it likes in them."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.poly1305 import Poly1305

if TYPE_CHECKING:
    from pathlib import Path

    from backup.harness import Vault

NONCE_BYTES = 16


def restic(vault: Vault, *words: str, cwd: str | None = None) -> str:
    """Run restic on the test's repository, as somebody on whose machine it lies, and return what it says."""
    environ = {**os.environ, "RESTIC_PASSWORD": os.environ["SHARPNET_TEST_RESTIC"], "RESTIC_CACHE_DIR": "/nonexistent"}
    argv = ["restic", "-q", "--no-cache", "-r", str(vault.repository), *words]
    ran = subprocess.run(argv, env=environ, cwd=cwd, capture_output=True, text=True, check=True, timeout=60)
    _give_back(vault)
    return ran.stdout


def saved(vault: Vault, folder: Path, *names: str) -> str:
    """Save what `folder` holds, with paths that begin there, and return the snapshot's whole id."""
    restic(vault, "backup", *names, cwd=str(folder))
    listed: list[dict[str, Any]] = json.loads(restic(vault, "snapshots", "--json"))
    return str(max(listed, key=lambda one: one["time"])["id"])


def forge(vault: Vault, of: str, **claims: object) -> str:
    """Write a snapshot like `of` that claims something else, and return its whole id."""
    key = json.loads(restic(vault, "cat", "masterkey"))
    plain = {**json.loads(restic(vault, "cat", "snapshot", of)), **claims}
    sealed = _sealed(json.dumps(plain).encode(), key)
    full_id = hashlib.sha256(sealed).hexdigest()
    (vault.repository / "snapshots" / full_id).write_bytes(sealed)
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


def _give_back(vault: Vault) -> None:
    """Give what was written to the off-site host's user."""
    owner = vault.repository.stat()
    for path in vault.repository.rglob("*"):
        os.chown(path, owner.st_uid, owner.st_gid)
