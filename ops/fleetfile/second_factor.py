"""The approvers' secrets for codes, one file each, and the codes that they give (RFC 6238)."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import pyotp
from pyotp.exceptions import OTPVerificationError

from core.errors import RefusedError, SettingsError
from core.plan.second_factor import DIGITS, STEP_S, STEPS_OFF
from ops.fleetfile.secret_places import is_missing, secret_for_codes, text_of_secret

if TYPE_CHECKING:
    from datetime import datetime

ISSUER = "Sharpnet"


def enroll(folder: str, holder: str, fleet: str, *, again: bool) -> str:
    """Make a secret for `holder`, in a file that nobody else can read, and return it as an otpauth address.

    again: another one in the place of one that is there. Raises RefusedError where one is there and that was not
    asked for, SettingsError where it cannot be written.
    """
    path, secret = Path(secret_for_codes(folder, holder).where), pyotp.random_base32()
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"{secret}\n")
        try:
            if again:
                part.replace(path)
            else:
                path.hardlink_to(part)
        finally:
            part.unlink(missing_ok=True)
    except FileExistsError as error:
        raise RefusedError(
            f"{holder} is enrolled already: {path} is there. Nothing changed.",
            hint=f"For another secret, with which the old one is worth nothing: `enroll {holder} --again`.",
        ) from error
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be written: {error.strerror}.", hint="The bot's user must own it."
        ) from error
    return _totp(secret).provisioning_uri(name=f"{holder} ({fleet})", issuer_name=ISSUER)


def step_of(folder: str, holder: str, code: str, now: datetime) -> int | None:
    """Return the number of the time step whose code this is; None where it is none of those that count at `now`.

    Raises SettingsError where the secret is not there, must not be read, or is none.
    """
    secret = secret_for_codes(folder, holder)
    if is_missing(secret):
        hint = f"Type on the bot's machine: sharpnet enroll {holder}"
        raise SettingsError(f"{holder} is not enrolled: there is no secret for codes.", hint=hint)
    try:
        return _totp(text_of_secret(secret)).verify_and_get_timecode(code, for_time=now, valid_window=STEPS_OFF)
    except OTPVerificationError:
        return None
    except ValueError as error:
        raise SettingsError(
            f"{secret.where} holds no secret.", hint=f"Type: sharpnet enroll {holder} --again"
        ) from error


def _totp(secret: str) -> pyotp.TOTP:
    return pyotp.TOTP(secret, digits=DIGITS, interval=STEP_S)
