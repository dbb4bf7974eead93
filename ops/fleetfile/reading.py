"""The file's text, or why it has none."""

from __future__ import annotations

import re
import stat
from typing import TYPE_CHECKING

from ops.fleetfile.yaml_tree import YamlTrouble

if TYPE_CHECKING:
    from pathlib import Path

MOST_BYTES = 32 << 20
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\ufffe\uffff]")


def text_of(path: Path) -> str:
    """Return what is in the fleet file. Raises YamlTrouble where it cannot be read as text."""
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise YamlTrouble(1, "is a directory", f"Name the file in it: {path / 'app.yaml'}")
        if not stat.S_ISREG(found.st_mode):
            raise YamlTrouble(1, "is no file", "Name the fleet file.")
        if found.st_size > MOST_BYTES:
            raise YamlTrouble(1, f"holds {found.st_size:,} bytes", f"At most {MOST_BYTES:,}.")
        raw = path.read_bytes()
    except FileNotFoundError as error:
        hint = "Copy the example app.yaml, or set SHARPNET_CONFIG to where yours is."
        raise YamlTrouble(1, "is not there", hint) from error
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "its name is no path"
        raise YamlTrouble(1, f"cannot be read: {why}", "The user who runs Sharpnet must be able to.") from error
    return _decoded(raw)


def _decoded(raw: bytes) -> str:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise YamlTrouble(line, "is not UTF-8 text", "Save it as UTF-8.") from error
    control = _CONTROL.search(text)
    if control:
        # What comes after a NUL would be left out without a word.
        line = text.count("\n", 0, control.start()) + 1
        raise YamlTrouble(line, f"holds a control character (U+{ord(control[0]):04X})", "Remove it.")
    if not text.strip():
        raise YamlTrouble(1, "is empty", "Copy the example app.yaml and change it.")
    return text
