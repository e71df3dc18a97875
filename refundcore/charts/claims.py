"""Claims as they come in, what is still open of them, and what falls due."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import plotly.graph_objects as go

from refundcore import metrics
from refundcore.charts import looks
from refundcore.charts.looks import colour, many, percent, sentence
from refundcore.charts.model import Answer, Asked, Cell, Picks, chart
from refundcore.deadlines import FAR_PAST, end_of_day
from refundcore.facts import REASONS
from refundcore.metrics import Bucket, buckets, day_of, number_of, pick, to_text

REASONS_AND_NONE = (*REASONS, "")
TICKS = 10
FEW_STEPS = 4
"""Up to so many claims, each has a line of its own, since there are no halves."""
TOTALS = 22
"""Up to so many bars, each has its total above it."""
AGES = (("≤ 1 d", 1), ("2–3 d", 3), ("4–7 d", 7), ("8–14 d", 14), ("15–30 d", 30))
AHEAD = 7
"""Days of which is told what falls due."""


@chart("How many claims come in, and why?", "Claims")
def coming_in(asked: Asked) -> Answer:
    """Stacked bars by day, week or month."""
    found = metrics.read(asked.store, "came", asked.frame, ("day", "reason"))
    if not found:
        return Answer("No claims came in during this period.")
    unit = asked.grain
    frame = asked.frame
    ends = min(frame.last, max(asked.today, day_of(max(row["day"] for row in found))))
    spans = buckets(frame.first, ends, unit)
    place = {span.start: number for number, span in enumerate(spans)}
    counts = {reason: [0] * len(spans) for reason in REASONS_AND_NONE}
    for row in found:
        counts[row["reason"]][place[metrics.begin(day_of(row["day"]), unit)]] += row["n"]
    shown = {reason: numbers for reason, numbers in counts.items() if any(numbers)}
    totals = [sum(column) for column in zip(*shown.values(), strict=True)]
    held = [span.start >= frame.first and span.end <= min(ends + timedelta(days=1), asked.today) for span in spans]
    behind = {reason: [_of(asked, span, reason=reason) for span in spans] for reason in shown}
    picks = Picks()
    return Answer(
        sentence=_said(asked, spans, shown, totals, unit),
        figure=_bars(asked, spans, (shown, totals, behind), held, picks),
        key=looks.key(
            {reason: f"{asked.word(reason)} {sum(numbers):,}" for reason, numbers in shown.items()}, dark=asked.dark
        ),
        table=tuple(
            {unit.title(): span.start.isoformat()}
            | {
                asked.word(reason): Cell(f"{numbers[number]:,}", behind[reason][number] if numbers[number] else "")
                for reason, numbers in shown.items()
            }
            | {"All": Cell(f"{totals[number]:,}", _of(asked, span) if totals[number] else "")}
            for number, span in enumerate(spans)
        ),
        note=f"Of {many(sum(totals), 'claim')}, by the {unit} in which they reached the company."
        + (" Weeks begin on Monday." if unit == "week" else "")
        + ("" if all(held) else f" A paler bar is a {unit} that isn't over or reaches beyond the period."),
        picks=picks.found,
    )


def clipped(asked: Asked, span: Bucket) -> metrics.Frame:
    """The part of a bucket that lies in the frame."""
    last = span.end - timedelta(days=1)
    return asked.frame.between(max(span.start, asked.frame.first), min(last, asked.frame.last))


def _of(asked: Asked, span: Bucket, **where: str) -> str:
    return to_text(pick("came", clipped(asked, span), **where))


def _bars(
    asked: Asked,
    spans: Sequence[Bucket],
    numbers: tuple[dict[str, list[int]], list[int], dict[str, list[str]]],
    held: Sequence[bool],
    picks: Picks,
) -> go.Figure:
    """A figure whose x is the place of the bucket, so that every bar is as wide and stands above its label."""
    shown, totals, behind = numbers
    opacity = [1.0 if whole else 0.55 for whole in held]
    figure = go.Figure()
    names = [label(span, long=True) for span in spans]
    for reason, counts in shown.items():
        figure.add_bar(
            name=asked.word(reason),
            x=list(range(len(spans))),
            y=counts,
            customdata=names,
            marker={"color": colour(reason, dark=asked.dark), "opacity": opacity, "line": {"width": 0}},
            hovertemplate="%{customdata}: %{y:,} " + asked.word(reason) + "<extra></extra>",
        )
        picks.add(figure, behind[reason])
    if len(spans) <= TOTALS:
        figure.add_scatter(
            x=list(range(len(spans))),
            y=totals,
            mode="text",
            text=[f"{total:,}" if total else "" for total in totals],
            textposition="top center",
            showlegend=False,
            hoverinfo="skip",
            cliponaxis=False,
        )
    figure.update_layout(barmode="stack")
    time_axis(figure, spans)
    most = max(totals)
    figure.update_yaxes(tickformat=",d", nticks=5, zeroline=True, range=[0, most * 1.15])
    if most <= FEW_STEPS:
        figure.update_yaxes(dtick=1)
    return looks.framed(figure, 300, dark=asked.dark)


def time_axis(figure: go.Figure, spans: Sequence[Bucket]) -> None:
    """An x axis of buckets by their place, with a few labels."""
    step = -(-len(spans) // TICKS)
    ticks = list(range(0, len(spans), step))
    years = len({span.start.year for span in spans}) > 1
    figure.update_xaxes(
        tickvals=ticks,
        ticktext=[label(spans[number], long=years) for number in ticks],
        range=[-0.6, len(spans) - 0.4],
        showgrid=False,
        zeroline=False,
        tickangle=0,
    )


def label(span: Bucket, *, long: bool) -> str:
    """`3 Mar`, or with its year; a month by its name."""
    if span.days >= 28:
        return f"{span.start:%b %Y}" if long else f"{span.start:%b}"
    return f"{span.start.day} {span.start:%b %Y}" if long else f"{span.start.day} {span.start:%b}"


def _said(asked: Asked, spans: Sequence[Bucket], shown: dict[str, list[int]], totals: Sequence[int], unit: str) -> str:
    everything = sum(totals)
    said = f"{sentence(many(everything, 'claim'))} came in"
    by_reason = Counter({reason: sum(numbers) for reason, numbers in shown.items()})
    (reason, most), *others = by_reason.most_common()
    said += (
        f", {percent(most / everything)} of them for “{asked.word(reason)}”."
        if others
        else f", all for “{asked.word(reason)}”."
    )
    busiest = max(range(len(spans)), key=totals.__getitem__)
    if len(spans) > 1 and everything > 1:
        name = label(spans[busiest], long=True)
        when = {"day": f"day was {name}", "week": f"week began on {name}", "month": f"month was {name}"}[unit]
        said += f" The busiest {when}, with {totals[busiest]:,}."
    return said


@chart("How old is what is still undecided?", "Claims")
def backlog(asked: Asked) -> Answer:
    """Claims without a decision, by their age."""
    frame = asked.frame.between(date(1900, 1, 1), asked.frame.last)
    found = [row for row in metrics.read(asked.store, "came", frame, ("day",)) if row["n"] > row["decided"]]
    if not found:
        return Answer("Nothing is undecided of what came in until the end of this period.")
    steps: list[tuple[str, int, int]] = []
    newest = -10_000
    for name, oldest in AGES:
        steps.append((name, newest, oldest))
        newest = oldest + 1
    steps.append(("> 30 d", newest, 100_000))
    counts, behind, today = [], [], number_of(asked.today)
    for _, low, high in steps:
        counts.append(sum(row["n"] - row["decided"] for row in found if low <= today - row["day"] <= high))
        first, last = max(today - high, number_of(frame.first)), min(today - low, number_of(frame.last))
        behind.append(
            to_text(pick("came", frame.between(day_of(first), day_of(last)), "undecided")) if first <= last else ""
        )
    whole = sum(counts)
    old = sum(counts[4:])
    picks = Picks()
    names = [name for name, _, _ in steps]
    figure = columns(asked, names, counts, behind, picks)
    said = f"{sentence(many(whole, 'claim'))} {'is' if whole == 1 else 'are'} undecided"
    return Answer(
        sentence=f"{said}; {old:,} of them {'is' if old == 1 else 'are'} older than 14 days.",
        figure=figure,
        table=tuple(
            {"Age": name, "Undecided": Cell(f"{count:,}", text if count else "")}
            for name, count, text in zip(names, counts, behind, strict=True)
        ),
        note=f"Of all claims that came in until {asked.frame.last:%d %b %Y}, whenever that was; age in days from then"
        " until today.",
        picks=picks.found,
    )


def columns(  # noqa: PLR0917 - what a bar is made of
    asked: Asked,
    names: Sequence[str],
    counts: Sequence[int],
    behind: Sequence[str],
    picks: Picks,
    fills: Sequence[str] = (),
) -> go.Figure:
    """Plain columns, each with its number above it."""
    figure = go.Figure()
    figure.add_bar(
        x=list(names),
        y=list(counts),
        text=[f"{count:,}" if count else "" for count in counts],
        textposition="outside",
        cliponaxis=False,
        marker={"color": list(fills) or colour("plain", dark=asked.dark), "line": {"width": 0}},
        hovertemplate="%{x}: %{y:,}<extra></extra>",
    )
    picks.add(figure, behind)
    figure.update_xaxes(showgrid=False, tickangle=0)
    figure.update_yaxes(visible=False, range=[0, max(1, *counts) * 1.18])
    return looks.framed(figure, 240, dark=asked.dark)


@chart("What falls due in the coming days?", "Claims")
def falling_due(asked: Asked) -> Answer:
    """Open claims by the day on which they are to be acted on."""
    today = number_of(asked.today)
    ends = end_of_day(np.arange(today, today + AHEAD, dtype=np.int64), asked.zone).tolist()
    edges = [FAR_PAST, asked.at, *ends]
    counts = metrics.due(asked.store, edges)
    if not any(counts):
        return Answer("Nothing is overdue, and nothing falls due in the coming 7 days of this period.")
    days = [asked.today + timedelta(days=number) for number in range(AHEAD)]
    names = ["overdue", "today", *(f"{day:%a} {day.day}" for day in days[1:])]
    behind = [
        to_text(metrics.Pick(metrics.DUE, asked.today, days[-1], where={"from": str(low), "to": str(high)}))
        for low, high in pairwise(edges)
    ]
    fills = [colour("missed" if not number else "plain", dark=asked.dark) for number in range(len(names))]
    picks = Picks()
    late, coming = counts[0], sum(counts[1:])
    verb = "is" if late == 1 else "are"
    return Answer(
        sentence=f"{sentence(many(late, 'claim'))} {verb} overdue; {f'{coming:,} more'} "
        f"fall{'s' if coming == 1 else ''} due within {AHEAD} days, {counts[1]:,} of them today."
        if late
        else f"{sentence(many(coming, 'claim'))} fall{'s' if coming == 1 else ''} due within {AHEAD} days,"
        f" {counts[1]:,} of them today. Nothing is overdue.",
        figure=columns(asked, names, counts, behind, picks, fills),
        table=tuple(
            {"When": name, "Claims": Cell(f"{count:,}", text if count else "")}
            for name, count, text in zip(names, counts, behind, strict=True)
        ),
        note="All open claims as of now, whatever the period and the filters: by the running clock that ends first "
        "(the policy's, our answer, the day of payment).",
        picks=picks.found,
    )
