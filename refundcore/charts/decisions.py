"""Decisions: what they were, and how often money went back."""

from __future__ import annotations

from collections import Counter

import plotly.graph_objects as go

from refundcore import metrics
from refundcore.charts import looks
from refundcore.charts.claims import REASONS_AND_NONE
from refundcore.charts.looks import Row, colour, many, percent, sentence
from refundcore.charts.model import FEW, Answer, Asked, Cell, Picks, chart
from refundcore.metrics import Rate, pick, to_text

NOTHING = "Nothing was decided during this period."
DONE = {"approve": "approved", "exchange": "exchanged", "deny": "denied"}


@chart("What was decided?", "Decisions")
def decided(asked: Asked) -> Answer:
    """Outcomes by reason, as shares."""
    found = metrics.read(asked.store, "decided", asked.frame, ("reason", "what"))
    if not found:
        return Answer(NOTHING)
    counts: dict[str, dict[str, int]] = {}
    for row in found:
        counts.setdefault(row["reason"], {})[row["what"]] = row["n"]
    reasons = [reason for reason in REASONS_AND_NONE if reason in counts]
    rows = [Row(asked.word(reason), counts[reason]) for reason in reasons]
    words = {outcome: asked.word(done) for outcome, done in DONE.items()}
    every = Counter[str]()
    for row in found:
        every[row["what"]] += row["n"]
    parts = [f"{every[outcome]:,} {word.lower()}" for outcome, word in words.items() if every[outcome]]
    listed = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"

    def behind(reason: str, outcome: str) -> str:
        where = {"reason": reason} | ({"what": outcome} if outcome else {})
        return to_text(pick("decided", asked.frame, **where))

    picks = Picks()
    figure = looks.share_bars(rows, words, dark=asked.dark)
    for trace, outcome in enumerate(code for code in words if every[code]):
        picks.found |= {
            (trace, point): behind(reason, outcome)
            for point, reason in enumerate(reasons)
            if counts[reason].get(outcome)
        }
    return Answer(
        sentence=f"{sentence(many(every.total(), 'decision'))}: {listed}.",
        figure=figure,
        key=looks.key({code: word for code, word in words.items() if every[code]}, dark=asked.dark),
        table=tuple(
            {"Reason": row.label}
            | {
                word: Cell(f"{row.parts.get(code, 0):,}", behind(reason, code) if row.parts.get(code) else "")
                for code, word in words.items()
            }
            | {"All": Cell(f"{row.whole:,}", behind(reason, ""))}
            for reason, row in zip(reasons, rows, strict=True)
        ),
        note=f"Of {many(every.total(), 'decision')} that stand, by when they took effect. What waits for a manager's "
        "approval or was withdrawn doesn't count.",
        picks=picks.found,
    )


@chart("How often does money go back?", "Decisions")
def refund_rate(asked: Asked) -> Answer:
    """The refund rate by reason with its 95 % interval."""
    found = metrics.read(asked.store, "decided", asked.frame, ("reason", "what"))
    if not found:
        return Answer(NOTHING)
    parts: dict[str, list[int]] = {}
    for row in found:
        part = parts.setdefault(row["reason"], [0, 0])
        part[0] += row["n"] if row["what"] == "approve" else 0
        part[1] += row["n"]
    shown = [Rate(reason, *parts[reason]) for reason in REASONS_AND_NONE if reason in parts]
    overall = Rate("", sum(rate.part for rate in shown), sum(rate.whole for rate in shown))
    picks = Picks()
    return Answer(
        sentence=_rate_said(asked, shown, overall),
        figure=_dots(asked, shown, overall, picks),
        table=tuple(
            {
                "Reason": asked.word(rate.name),
                "Refunded": Cell(f"{rate.part:,}", _refunds(asked, rate.name) if rate.part else ""),
                "Decided": Cell(f"{rate.whole:,}", to_text(pick("decided", asked.frame, reason=rate.name))),
                "Rate": percent(rate.share),
                "From": percent(rate.interval[0]),
                "To": percent(rate.interval[1]),
            }
            for rate in shown
        ),
        note=f"Refunds out of {many(overall.whole, 'decision')} that took effect; a replacement is no refund. The line"
        f" is the 95% interval (Wilson); a hollow dot stands for fewer than {FEW} decisions.",
        picks=picks.found,
    )


def _refunds(asked: Asked, reason: str) -> str:
    return to_text(pick("decided", asked.frame, reason=reason, what="approve"))


def _dots(asked: Asked, shown: list[Rate], overall: Rate, picks: Picks) -> go.Figure:
    heads = [_rate_head(asked, rate) for rate in shown]
    colours = [colour(rate.name, dark=asked.dark) for rate in shown]
    figure = go.Figure()
    for rate, head, fill in zip(shown, heads, colours, strict=True):
        figure.add_scatter(
            x=list(rate.interval),
            y=[head, head],
            mode="lines",
            line={"color": fill, "width": 3},
            opacity=0.55,
            hoverinfo="skip",
            cliponaxis=False,
        )
    figure.add_scatter(
        x=[rate.share for rate in shown],
        y=heads,
        mode="markers",
        marker={
            "color": colours,
            "size": 12,
            "symbol": ["circle-open" if rate.whole < FEW else "circle" for rate in shown],
            "line": {"width": 2, "color": colours},
        },
        customdata=[[asked.word(rate.name), rate.part, rate.whole, *map(percent, rate.interval)] for rate in shown],
        hovertemplate="%{customdata[0]}: %{customdata[1]:,} of %{customdata[2]:,} (%{x:.0%}), "
        "likely %{customdata[3]} to %{customdata[4]}<extra></extra>",
        cliponaxis=False,
    )
    picks.add(figure, [_refunds(asked, rate.name) if rate.part else "" for rate in shown])
    if len(shown) > 1:
        figure.add_vline(x=overall.share, line={"color": looks.QUIET, "dash": "dot", "width": 1.5})
        figure.add_annotation(
            x=overall.share, y=1, yref="paper", yanchor="bottom", showarrow=False, text=f"all: {percent(overall.share)}"
        )
    figure.update_xaxes(range=[0, 1], tickvals=[0, 0.25, 0.5, 0.75, 1], tickformat=".0%", zeroline=False)
    figure.update_yaxes(
        autorange=False, range=[len(shown) - 0.4, -0.6], showgrid=False, categoryorder="array", categoryarray=heads
    )
    looks.framed(figure, 64 + 44 * len(shown), dark=asked.dark)
    figure.update_yaxes(ticklabelstandoff=14)
    return figure.update_layout(margin={"t": 26, "r": 24})


def _rate_head(asked: Asked, rate: Rate) -> str:
    few = ", few" if rate.whole < FEW else ""
    return f"{asked.word(rate.name)}<br><b>{percent(rate.share)}</b>  {rate.part:,} of {rate.whole:,}{few}"


def _rate_said(asked: Asked, shown: list[Rate], overall: Rate) -> str:
    said = f"Money went back on {overall.part:,} of {many(overall.whole, 'decision')} ({percent(overall.share)})."
    sure = [rate for rate in shown if rate.whole >= FEW]
    if len(sure) > 1:
        most, least = max(sure, key=lambda rate: rate.share), min(sure, key=lambda rate: rate.share)
        said += (
            f" Most often for “{asked.word(most.name)}” ({percent(most.share)}), least often for "
            f"“{asked.word(least.name)}” ({percent(least.share)})."
        )
    elif overall.whole < FEW:
        low, high = overall.interval
        said += f" So few decisions say little: the rate may as well be {percent(low)} or {percent(high)}."
    return said
