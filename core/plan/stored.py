"""A plan as it is kept: where it is, who has approved it, and how far carrying it out has come."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from core.plan.progress import CutoverProgress

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from core.plan.plan import Plan, PlanState


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """A plan and where it is.

    approved_by: the labels of who has approved, the first one first. approved_as: of each, the entry of app.yaml that
    made them an approver then; empty where none did, left out where that is not known.
    """

    plan: Plan
    state: PlanState
    approved_by: tuple[str, ...] = ()
    approved_at: datetime | None = None
    ended_at: datetime | None = None
    progress: CutoverProgress = CutoverProgress()  # noqa: RUF009 - frozen, and empty
    approved_as: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The plan's id."""
        return self.plan.id

    @property
    def title(self) -> str:
        """What it does."""
        return self.plan.title

    @property
    def card(self) -> str:
        """The key of its card."""
        return f"plan:{self.plan.id}"

    def ended(self, state: PlanState, at: datetime) -> StoredPlan:
        """Return it as it is once it has come to `state`."""
        return replace(self, state=state, ended_at=at)
