"""Claims of the past as a backtest takes them: their facts as they were, each at its own moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from refundcore.deadlines import Instants
from refundcore.facts import Claims
from refundcore.rulebook.known import Codes, Truth
from refundcore.rulebook.reading import Reader

UNDECIDED = -1
"""The outcome of a claim that nobody decided."""


@dataclass(frozen=True)
class Population:
    """A part of the claims; every array has one entry a claim."""

    claims: Claims
    as_of: Instants
    """When each was decided; of one that is open, the present moment."""
    names: Sequence[str]
    """By which each is known to people."""
    outcome: Codes
    """What people decided, by its place in `facts.VERDICTS`; `UNDECIDED`."""
    override: Truth
    """Whether they decided against the policy."""
    since: Instants | None = None
    """Since when each is known to the desk."""

    @classmethod
    def of_facts(cls, claims: Claims, as_of: int, names: Sequence[str] | None = None) -> Population:
        """Claims of which nothing but their facts is known, all at one moment."""
        size = len(claims)
        return cls(
            claims,
            np.full(size, as_of, dtype=np.int64),
            names if names is not None else [ref or "" for ref in claims.columns["claim_ref"].to_pylist()],
            np.full(size, UNDECIDED, dtype=np.int64),
            np.zeros(size, dtype=np.bool_),
        )

    @cached_property
    def read(self) -> Reader:
        """The columns as numbers, read once for all policies."""
        return Reader(self.claims, self.as_of)

    def take(self, rows: npt.NDArray[np.int64]) -> Population:
        """Some of the claims, by their places."""
        return Population(
            self.claims.take(rows),
            self.as_of[rows],
            [self.names[row] for row in rows.tolist()],
            self.outcome[rows],
            self.override[rows],
            None if self.since is None else self.since[rows],
        )

    def __len__(self) -> int:
        return len(self.as_of)
