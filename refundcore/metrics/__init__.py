"""Figures for managers, computed in the database; no claim is ever loaded to be counted.

Claims belong to a period by when they reached the company (or, where that isn't known, came onto the desk), decisions
by when they took effect. Only decisions that stand are counted: one that was rejected, withdrawn by reopening or
still waits for a manager is none. Claims of an import that isn't finished are not there yet. Money is in minor units
and each currency stands for itself: amounts of different currencies are never added.

Every function takes the store and a `Period` and answers with frozen rows, '' standing for a reason that isn't known.
"""

from __future__ import annotations

from refundcore.metrics.counting import (
    claims_by_day,
    denying_clauses,
    first_and_last,
    headline,
    journal_end,
    outcomes,
    refund_rates,
    sums,
    verdicts,
)
from refundcore.metrics.model import Count, DayCount, Headline, Kept, Period, Rate, Span, Sum, wilson
from refundcore.metrics.timing import SPANS, answers, cures, median, medians, times
from refundcore.metrics.zones import offsets

__all__ = [
    "SPANS",
    "Count",
    "DayCount",
    "Headline",
    "Kept",
    "Period",
    "Rate",
    "Span",
    "Sum",
    "answers",
    "claims_by_day",
    "cures",
    "denying_clauses",
    "first_and_last",
    "headline",
    "journal_end",
    "median",
    "medians",
    "offsets",
    "outcomes",
    "refund_rates",
    "sums",
    "times",
    "verdicts",
    "wilson",
]
