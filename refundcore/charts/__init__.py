"""Charts for managers: each is a question, answered by a figure, a sentence and a table of the same numbers.

`CHARTS` holds them by question, in order; whoever adds one writes a function under `@chart` in the module of its
topic. A chart asks the database itself, so that what nobody looks at costs nothing.
"""

from __future__ import annotations

from refundcore.charts import claims, decisions, money, timing
from refundcore.charts.model import CHARTS, FEW, Answer, Asked, Chart, chart

TOPICS: tuple[str, ...] = tuple(dict.fromkeys(entry.topic for entry in CHARTS.values()))
"""The tabs, in order."""

__all__ = ["CHARTS", "FEW", "TOPICS", "Answer", "Asked", "Chart", "chart", "claims", "decisions", "money", "timing"]
