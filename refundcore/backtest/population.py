"""Claims of the past as a backtest takes them: their facts as they were, each at its own moment."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from refundcore.deadlines import Instants
from refundcore.facts import Claims
from refundcore.rulebook.known import Codes
from refundcore.rulebook.reading import Reader

UNDECIDED = -1
"""The outcome of a claim that nobody decided."""


@dataclass(frozen=True)
class Population:
    """A part of the claims; every array has one entry a claim."""

    claims: Claims
    as_of: Instants
    """When each was decided; of one that is open, the present moment."""
    names: pa.Array
    """By which each is known to people."""
    outcome: Codes
    """What people decided, by its place in `facts.VERDICTS`; `UNDECIDED`."""
    since: Instants | None = None
    """Since when each is known to the desk."""

    @classmethod
    def of_facts(cls, claims: Claims, as_of: int) -> Population:
        """Claims of which nothing but their facts is known, all at one moment."""
        size = len(claims)
        return cls(
            claims,
            np.full(size, as_of, dtype=np.int64),
            claims.columns["claim_ref"].fill_null(""),
            np.full(size, UNDECIDED, dtype=np.int64),
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
            self.names.take(pa.array(rows)),
            self.outcome[rows],
            None if self.since is None else self.since[rows],
        )

    def __len__(self) -> int:
        return len(self.as_of)
