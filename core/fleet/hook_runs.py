"""Hooks: which commands run where at which moment of a site's sync or cutover, and what is said when one fails."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from core.wording import shown_path

if TYPE_CHECKING:
    from core.fleet import Hook, Site

Moment = Literal["before_sync", "after_sync", "before_cutover", "after_cutover", "freeze", "thaw"]

LONGEST_LINE = 200


@dataclass(frozen=True, slots=True)
class HookRun:
    """One hook of one site as it is to run: at which moment, on which server, and what is in its environment."""

    site: str
    moment: Moment
    server: str
    run: str
    timeout_s: float
    source: str
    target: str
    root: str

    @property
    def shell_line(self) -> str:
        """The POSIX shell line that runs it; whatever the names and the root hold, they stay values."""
        values = {"SITE": self.site, "SOURCE": self.source, "TARGET": self.target, "ROOT": self.root}
        words = [f"{name}={shlex.quote(value)}" for name, value in values.items()]
        return f"env {' '.join(words)} sh -c {shlex.quote(self.run)}"

    @property
    def shown(self) -> str:
        """What it runs, on one line."""
        return one_line(self.run)


@dataclass(frozen=True, slots=True)
class HookTrouble:
    """A hook that failed: why, in words that start with what the server said."""

    hook: HookRun
    why: str

    @property
    def message(self) -> str:
        """What happened: which hook, where, and how it ended."""
        return f"the {self.hook.moment} hook `{self.hook.shown}` on {self.hook.server} failed: {self.why}"

    @property
    def hint(self) -> str:
        """What would help."""
        return f"Mend it on {self.hook.server}, or take it out of sites.{self.hook.site}.hooks in app.yaml."


def hook_runs(site: Site, moment: Moment, source: str, target: str) -> tuple[HookRun, ...]:
    """Return the hooks of `site` at `moment`, in the order in which app.yaml has them."""
    hooks: tuple[Hook, ...] = getattr(site.hooks, moment)
    return tuple(
        HookRun(
            site=site.name,
            moment=moment,
            server=(server := hook.server(source, target)),
            run=hook.run,
            timeout_s=hook.timeout.total_seconds(),
            source=source,
            target=target,
            root=site.root_on(server),
        )
        for hook in hooks
    )


def last_line(out: bytes, err: bytes) -> str:
    """Return the last line that a command wrote, to standard error where it wrote there; printable and not long."""
    for said in (err, out):
        lines = [line for line in said.splitlines() if line.strip()]
        if lines:
            return one_line(shown_path(lines[-1].strip()))
    return ""


def one_line(text: str) -> str:
    """Return a text as one printable line that is not long."""
    line = shown_path(" ".join(text.split()).encode())
    return line if len(line) <= LONGEST_LINE else line[: LONGEST_LINE - 1] + "…"
