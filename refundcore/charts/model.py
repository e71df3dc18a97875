"""What a chart is: a question, and a function that answers it by a figure, a sentence and a table of its numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import plotly.graph_objects as go

from refundcore.metrics import Period
from refundcore.store import Store

FEW = 20
"""Below so many, a share says little: it is marked as few."""


@dataclass(frozen=True)
class Asked:
    """What a chart is asked for."""

    store: Store
    period: Period
    zone: str
    """In which days begin and end."""
    at: int
    """The present moment: what is over and what still runs."""
    words: Mapping[str, str] = field(default_factory=dict)
    """Codes of reasons, verdicts and outcomes as people read them."""
    dark: bool = False

    def word(self, code: str) -> str:
        """A code as people read it; '' is a reason that isn't known."""
        return self.words.get(code, code.replace("_", " ")) if code else "Reason unknown"


@dataclass(frozen=True)
class Answer:
    """What a chart answers."""

    sentence: str
    figure: go.Figure | None = None
    """None where there is nothing to draw; the sentence says so."""
    table: tuple[Mapping[str, Any], ...] = ()
    """The numbers of the figure, a row each."""
    note: str = ""
    """How it was counted."""
    key: tuple[tuple[str, str], ...] = ()
    """Colour and word of what the figure tells apart by colour, where it stands beside the figure."""


Draw = Callable[[Asked], Answer]


@dataclass(frozen=True)
class Chart:
    """One question."""

    question: str
    topic: str
    """The tab under which it stands."""
    draw: Draw


CHARTS: dict[str, Chart] = {}
"""Question -> chart, in the order in which they are shown."""


def chart(question: str, topic: str) -> Callable[[Draw], Draw]:
    """Enter the decorated function as the answer to a question. Raises `ValueError` for a question asked before."""

    def enter(draw: Draw) -> Draw:
        if question in CHARTS:
            raise ValueError(f"'{question}' has two charts: {CHARTS[question].draw.__name__} and {draw.__name__}.")
        CHARTS[question] = Chart(question, topic, draw)
        return draw

    return enter
