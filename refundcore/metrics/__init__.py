"""Figures for managers, computed in the database; no claim is ever loaded to be counted.

Claims belong to a period by the local day on which they reached the company (or, where that isn't known, came onto
the desk), decisions by the day on which they took effect, answers by when the claim came onto the desk, repairs by
when the defect was notified, goodwill by when it was granted. Only decisions that stand are counted: one that was
rejected, withdrawn by reopening or still waits for a manager is none. Claims of an import that isn't finished are not
there yet. Money is in minor units and each currency stands for itself: amounts of different currencies are never
added.

A `Frame` says what the figures are about. They are read from daily sums that the store keeps with each act; a
combination of filters that these don't hold is summed from a narrow row of each claim, to the same numbers. Lengths of
time are kept in bins at most 5 % wide, so a median is that of its bin.
"""

from __future__ import annotations

from refundcore.metrics.behind import DUE, Behind, behind, due, of_text, pick, to_text
from refundcore.metrics.cohorts import RIPE, cohorts, has_orders
from refundcore.metrics.figures import (
    answered,
    answers_of,
    cured,
    first_and_last,
    headline,
    journal_end,
    medians,
    money,
    read,
    times,
)
from refundcore.metrics.grains import GRAINS, Bucket, begin, buckets, grain
from refundcore.metrics.model import (
    FILTERS,
    Cohort,
    Frame,
    Headline,
    Kept,
    Money,
    Pick,
    Rate,
    day_of,
    number_of,
    wilson,
)
from refundcore.metrics.reading import from_rollup, values

__all__ = [
    "DUE",
    "FILTERS",
    "GRAINS",
    "RIPE",
    "Behind",
    "Bucket",
    "Cohort",
    "Frame",
    "Headline",
    "Kept",
    "Money",
    "Pick",
    "Rate",
    "answered",
    "answers_of",
    "begin",
    "behind",
    "buckets",
    "cohorts",
    "cured",
    "day_of",
    "due",
    "first_and_last",
    "from_rollup",
    "grain",
    "has_orders",
    "headline",
    "journal_end",
    "medians",
    "money",
    "number_of",
    "of_text",
    "pick",
    "read",
    "times",
    "to_text",
    "values",
    "wilson",
]
