"""Fencing: what a run writes, or does to the world, counts only while the run is still its own.

A process that was frozen (a closed lid, a suspended machine, Ctrl-Z) wakes up and goes on where it stopped, long after
its lease has passed and another has taken its work up. So whoever carries work out says so once (`fenced`), and from
there on every transaction asks first whether that still holds, in the transaction itself: nothing has to remember it.
Effects on the world ask as well, right before they happen (`ops.durable.fenced`).
"""

from __future__ import annotations

import contextlib
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from core.errors import FencedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ops.contracts import Transaction

T = TypeVar("T")


class Fence(Protocol):
    """What must hold for work to go on."""

    def still_holds(self, transaction: Transaction) -> bool:
        """Return whether the work still belongs to who began it."""
        ...


@dataclass(frozen=True, slots=True)
class RunFence:
    """A durable run belongs to who has its newest `token`, while the lease lasts; each new owner gets a greater one."""

    kind: str
    subject: str
    token: int

    def still_holds(self, transaction: Transaction) -> bool:
        """Return whether nobody has taken the run since, and nobody may; who ended it may have a last word."""
        at = transaction.lease_time()
        asked = (
            "SELECT 1 AS found FROM runs WHERE kind = ? AND subject = ? AND token = ? "
            "AND (state = 'ended' OR (epoch = ? AND until_s >= ?))"
        )
        return bool(transaction.query(asked, [self.kind, self.subject, self.token, at.epoch, at.at_s]))


@dataclass(frozen=True, slots=True)
class ClaimFence:
    """What is claimed belongs to `owner`, which is new for each work, while the lease lasts."""

    name: str
    owner: str

    def still_holds(self, transaction: Transaction) -> bool:
        """Return whether nobody has claimed it since, and nobody may."""
        at = transaction.lease_time()
        asked = (
            "SELECT 1 AS found FROM claims WHERE name = ? AND owner = ? "
            "AND (until_s IS NULL OR (epoch = ? AND until_s >= ?))"
        )
        return bool(transaction.query(asked, [self.name, self.owner, at.epoch, at.at_s]))


_FENCES: ContextVar[tuple[Fence, ...]] = ContextVar("fences", default=())


@contextlib.contextmanager
def fenced(fence: Fence) -> Iterator[None]:
    """Let all that this block writes, and all tasks that it starts, ask `fence` too."""
    before = _FENCES.set((*_FENCES.get(), fence))
    try:
        yield
    finally:
        _FENCES.reset(before)


@contextlib.contextmanager
def unfenced() -> Iterator[None]:
    """Let this block write whatever was lost: what it does names its owner, and so touches nobody else's."""
    before = _FENCES.set(())
    try:
        yield
    finally:
        _FENCES.reset(before)


def is_fenced() -> bool:
    """Return whether there is anything to ask here."""
    return bool(_FENCES.get())


def asking_first(work: Callable[[Transaction], T]) -> Callable[[Transaction], T]:
    """Return `work` for a transaction that first asks all fences of the caller. It raises FencedError."""
    fences = _FENCES.get()
    if not fences:
        return work

    def guarded(transaction: Transaction) -> T:
        for fence in fences:
            if not fence.still_holds(transaction):
                raise FencedError(
                    "This process was away for too long; another may have taken its work up. Nothing more of it is "
                    "done here.",
                    fence=fence,
                )
        return work(transaction)

    return guarded
