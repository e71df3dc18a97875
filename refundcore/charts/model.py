"""What a chart is: a question, and a function that answers it by a figure, a sentence and a table of its numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import plotly.graph_objects as go

from refundcore.metrics import Frame
from refundcore.store import Store

FEW = 20
"""Below so many, a share says little: it is marked as few."""


@dataclass(frozen=True)
class Asked:
    """What a chart is asked for."""

    store: Store
    frame: Frame
    grain: str
    """day, week or month."""
    today: date
    """The present day: what is over and what still runs."""
    at: int
    """The present moment, in microseconds since 1970 in UTC."""
    zone: str = "UTC"
    words: Mapping[str, str] = field(default_factory=dict)
    """Codes of reasons, verdicts, outcomes and channels as people read them."""
    names: Mapping[int, str] = field(default_factory=dict)
    """People's names by id."""
    dark: bool = False

    def word(self, code: str, unknown: str = "Reason unknown") -> str:
        """A code as people read it; '' is what isn't known."""
        return self.words.get(code, code.replace("_", " ")) if code else unknown


@dataclass(frozen=True)
class Cell:
    """A number of a table that opens the claims it counts."""

    text: str
    pick: str = ""
    """The claims behind it, as `metrics.to_text` writes them; '' for none."""


Value = int | str | Cell


@dataclass(frozen=True)
class Answer:
    """What a chart answers."""

    sentence: str
    figure: go.Figure | None = None
    """None where there is nothing to draw; the sentence says so."""
    table: tuple[Mapping[str, Value], ...] = ()
    """The numbers of the figure, a row each."""
    note: str = ""
    """How it was counted: of what, and how many."""
    key: tuple[tuple[str, str], ...] = ()
    """Colour and word of what the figure tells apart by colour, where it stands beside the figure."""
    picks: Mapping[tuple[int, int], str] = field(default_factory=dict)
    """(trace, point) of the figure -> the claims behind it."""


class Picks:
    """Collects what is behind the points of a figure while its traces are added."""

    def __init__(self) -> None:
        self.found: dict[tuple[int, int], str] = {}

    def add(self, figure: go.Figure, picks: Sequence[str]) -> None:
        """Note what is behind the points of the trace that was added last."""
        trace = len(figure.data) - 1
        self.found |= {(trace, point): text for point, text in enumerate(picks) if text}


Draw = Callable[[Asked], Answer]


@dataclass(frozen=True)
class Chart:
    """One question."""

    question: str
    topic: str
    """The tab under which it stands."""
    draw: Draw
    managers: bool = False
    """Whether only managers see it."""


CHARTS: dict[str, Chart] = {}
"""Question -> chart, in the order in which they are shown."""


def chart(question: str, topic: str, *, managers: bool = False) -> Callable[[Draw], Draw]:
    """Enter the decorated function as the answer to a question. Raises `ValueError` for a question asked before."""

    def enter(draw: Draw) -> Draw:
        if question in CHARTS:
            raise ValueError(f"'{question}' has two charts: {CHARTS[question].draw.__name__} and {draw.__name__}.")
        CHARTS[question] = Chart(question, topic, draw, managers)
        return draw

    return enter
