"""How far the work of a project is, as bars and numbers show it."""

from __future__ import annotations

from dataclasses import dataclass

from annotator.enums import PatchState

# From done to not begun, as the bar is read.
ORDER = (
    PatchState.APPROVED,
    PatchState.SUBMITTED,
    PatchState.CLAIMED,
    PatchState.RETURNED,
    PatchState.UNLABELLED,
)


@dataclass(frozen=True)
class Share:
    """The patches in one state."""

    state: PatchState
    count: int


@dataclass(frozen=True)
class Progress:
    """The patches of a project by state; ``counts`` holds every state, zeros included."""

    counts: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def shares(self) -> list[Share]:
        return [Share(state, self.counts[state]) for state in ORDER]

    @property
    def approved_percent(self) -> int:
        """Rounded down, so that 100 means that nothing is left."""
        return 100 * self.counts[PatchState.APPROVED] // self.total if self.total else 0
