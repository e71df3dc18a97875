"""How charts look: one restrained palette, quiet axes, labels beside what they name.

The background is the page's. Each reason, verdict and outcome has one colour everywhere, told apart by people with any
of the three colour weaknesses too, and never without a word: in the bar where there is room, else in the key above it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from refundcore.charts.model import FEW
from refundcore.metrics import Rate

LIGHT: Mapping[str, str] = {
    "sms_not_received": "#235594",
    "invalid_number": "#B5803A",
    "major_defect": "#50A47B",
    "incompatibility": "#A28CB7",
    "other": "#3B3B3B",
    "": "#8A929B",
    "approve": "#175948",
    "exchange": "#8BAA97",
    "deny": "#93340A",
    "need_info": "#D68A48",
    "pending": "#469BCA",
    "review": "#4B396A",
    "kept": "#175948",
    "missed": "#93340A",
    "running": "#469BCA",
    "plain": "#235594",
    "fees": "#8A929B",
    "activity": "#93340A",
    "cohort": "#235594",
}
DARK: Mapping[str, str] = {
    "sms_not_received": "#5CBDF0",
    "invalid_number": "#BF8433",
    "major_defect": "#3D8059",
    "incompatibility": "#85659A",
    "other": "#CDD0D3",
    "": "#7C8793",
    "approve": "#7CC39A",
    "exchange": "#A3E6E6",
    "deny": "#B8563A",
    "need_info": "#F0A562",
    "pending": "#2F7C9C",
    "review": "#B299EC",
    "kept": "#7CC39A",
    "missed": "#B8563A",
    "running": "#2F7C9C",
    "plain": "#5CBDF0",
    "fees": "#7C8793",
    "activity": "#F0A562",
    "cohort": "#5CBDF0",
}
SERIES = ("sms_not_received", "invalid_number", "major_defect", "incompatibility", "other", "")
"""The colours of what has none of its own, such as payment methods, by rank; the last is for all others."""
QUIET = "rgba(128,136,146,0.65)"
"""Lines that only guide the eye, on either background."""
GRID = "rgba(128,136,146,0.22)"
TEXT = {False: "#2B3138", True: "#D3D8DE"}
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif"

ROW, FRAME = 34, 16
"""Pixels of a row of bars, and of what stands around them."""
NARROW, LETTER = 220, 6.6
"""Pixels of a row of bars on a small screen, and of a letter: from both follows what has room in a part."""


def colour(code: str, *, dark: bool) -> str:
    """The colour of a reason, verdict, outcome or state of a deadline."""
    return (DARK if dark else LIGHT).get(code, (DARK if dark else LIGHT)[""])


def ink(background: str) -> str:
    """Black or white, whichever reads better on a colour."""
    red, green, blue = (_linear(int(background[place : place + 2], 16) / 255) for place in (1, 3, 5))
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue  # WCAG 2.2, relative luminance
    return "#FFFFFF" if 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.05 else "#000000"


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)


def framed(figure: go.Figure, height: int, *, dark: bool) -> go.Figure:
    """The frame that all figures share: little margin, no title (the page has the question), quiet axes."""
    text = TEXT[dark]
    figure.update_layout(
        template=go.layout.Template(),
        height=height,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        showlegend=False,
        bargap=0.32,
        dragmode=False,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"size": 12.5, "color": text, "family": FONT},
        hoverlabel={"align": "left", "font": {"family": FONT}},
    )
    quiet = {"fixedrange": True, "automargin": True, "title": None, "gridcolor": GRID, "zerolinecolor": GRID}
    figure.update_xaxes(**quiet)
    figure.update_yaxes(**quiet, ticklabelstandoff=6)
    return figure


def key(codes: Mapping[str, str], *, dark: bool) -> tuple[tuple[str, str], ...]:
    """The key of codes and their words."""
    return tuple((colour(code, dark=dark), word) for code, word in codes.items())


@dataclass(frozen=True)
class Row:
    """One bar of shares: its label and how many each part has."""

    label: str
    parts: Mapping[str, int]

    @property
    def whole(self) -> int:
        """All parts together."""
        return sum(self.parts.values())

    @property
    def head(self) -> str:
        """The label with its size, small ones marked."""
        return f"{self.label}  <b>{self.whole:,}</b>{' (few)' if 0 < self.whole < FEW else ''}"


def share_bars(rows: Sequence[Row], words: Mapping[str, str], *, dark: bool) -> go.Figure:
    """Bars of equal length, cut by share; each part carries its word and number where there is room for them."""
    figure = go.Figure()
    for code, word in words.items():
        counts = [row.parts.get(code, 0) for row in rows]
        if not any(counts):
            continue
        fill = colour(code, dark=dark)
        shares = [count / row.whole if row.whole else 0.0 for count, row in zip(counts, rows, strict=True)]
        figure.add_bar(
            name=word,
            orientation="h",
            y=[row.head for row in rows],
            x=shares,
            customdata=[[count, row.label, row.whole] for count, row in zip(counts, rows, strict=True)],
            text=[_inside(word, count, share * NARROW) for count, share in zip(counts, shares, strict=True)],
            textposition="inside",
            insidetextanchor="middle",
            textangle=0,
            constraintext="none",
            textfont={"color": ink(fill), "size": 12},
            marker={"color": fill, "line": {"width": 0}},
            hovertemplate="%{customdata[1]}: "
            + word
            + " %{customdata[0]:,} of %{customdata[2]:,} (%{x:.0%})<extra></extra>",
        )
    figure.update_layout(barmode="stack")
    figure.update_xaxes(range=[0, 1], visible=False)
    figure.update_yaxes(autorange="reversed", showgrid=False, ticks="", zeroline=False)
    return framed(figure, FRAME + ROW * len(rows), dark=dark)


def _inside(word: str, count: int, room: float) -> str:
    """What fits into so many pixels: word and number, the number, or nothing."""
    for text in (f"{word} {count:,}", f"{count:,}"):
        if len(text) * LETTER + 4 <= room:
            return text
    return ""


def percent(share: float) -> str:
    """`62%`; what isn't nothing or all isn't rounded to it."""
    if 0 < share < 0.005:
        return "under 1%"
    if 0.995 <= share < 1:
        return "over 99%"
    return f"{share:.0%}"


def rate_text(rate: Rate) -> str:
    """A rate of few as `0.3%`: shares below a tenth with one decimal."""
    if not rate.whole:
        return "–"
    return f"{rate.share:.1%}" if 0 < rate.share < 0.1 else percent(rate.share)


def many(number: int, one: str, several: str = "") -> str:
    """`1 claim`, `1,200 claims`, `no claims`."""
    plural = several or f"{one}s"
    return f"no {plural}" if not number else f"{number:,} {one if number == 1 else plural}"


def safe(text: str) -> str:
    """A text from outside as a figure shows it: Plotly takes `<` for a tag."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def short(text: str, most: int = 34) -> str:
    """The beginning of a long name."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def sentence(text: str) -> str:
    """Text that begins with a capital letter."""
    return text[:1].upper() + text[1:]
