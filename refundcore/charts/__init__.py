"""Charts for managers: each is a question, answered by a figure, a sentence and a table of the same numbers.

`CHARTS` holds them by question, in order; whoever adds one writes a function under `@chart` in the module of its
topic. A chart asks the database itself, so that what nobody looks at costs nothing. Each point of a figure and each
number of a table says which claims are behind it.
"""

from __future__ import annotations

from refundcore.charts import claims, clauses, decisions, money, rates, timing, work
from refundcore.charts.model import CHARTS, FEW, Answer, Asked, Cell, Chart, chart

TOPICS = ("Claims", "Decisions", "Money", "Policy", "Time", "Products", "Team")
"""The tabs, in order."""

__all__ = [
    "CHARTS",
    "FEW",
    "TOPICS",
    "Answer",
    "Asked",
    "Cell",
    "Chart",
    "chart",
    "claims",
    "clauses",
    "decisions",
    "money",
    "rates",
    "timing",
    "work",
]
