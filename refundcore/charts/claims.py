"""Claims as they come in: how many, and what the policy makes of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

import plotly.graph_objects as go

from refundcore import metrics
from refundcore.charts import looks
from refundcore.charts.looks import Row, colour, many, percent, sentence
from refundcore.charts.model import Answer, Asked, chart
from refundcore.deadlines import moment, zone_of
from refundcore.facts import REASONS, VERDICTS

REASONS_AND_NONE = (*REASONS, "")
BY_DAY, BY_WEEK = 35, 7 * 110
"""Periods of up to so many days are shown by day, by week; longer ones by month."""
TICKS = 10
FEW_STEPS = 4
"""Up to so many claims, each has a line of its own, since there are no halves."""
TOTALS = 22
"""Up to so many bars, each has its total above it."""


@dataclass(frozen=True)
class Bucket:
    """A day, week or month of a chart, from a day up to but not including another."""

    start: date
    end: date

    @property
    def days(self) -> int:
        """Its length."""
        return (self.end - self.start).days


def grain(days: int) -> str:
    """The grain in which a period of so many days is shown."""
    return "day" if days <= BY_DAY else "week" if days <= BY_WEEK else "month"


def begin(day: date, unit: str) -> date:
    """The first day of the day, week (from Monday) or month in which a day lies."""
    if unit == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if unit == "month" else day


def buckets(first: date, last: date, unit: str) -> list[Bucket]:
    """The days, weeks or months from that of the first day to that of the last."""
    starts = [begin(first, unit)]
    while starts[-1] <= last:
        month_on = (starts[-1].replace(day=1) + timedelta(days=32)).replace(day=1)
        step = {"day": timedelta(days=1), "week": timedelta(days=7)}.get(unit)
        starts.append(starts[-1] + step if step else month_on)
    return [Bucket(start, end) for start, end in pairwise(starts)]


@chart("How many claims come in, and why?", "Claims")
def coming_in(asked: Asked) -> Answer:
    """Stacked bars by day, week or month."""
    found = metrics.claims_by_day(asked.store, asked.period, asked.zone)
    if not found:
        return Answer("No claims came in during this period.")
    tz = zone_of(asked.zone)
    today = moment(asked.at, tz).date()
    starts = max(moment(asked.period.start, tz).date(), found[0].day - timedelta(days=370))
    ends = min(moment(asked.period.end - 1, tz).date(), max(today, found[-1].day))
    unit = grain((ends - starts).days + 1)
    spans = buckets(starts, ends, unit)
    place = {span.start: number for number, span in enumerate(spans)}
    counts = {reason: [0] * len(spans) for reason in REASONS_AND_NONE}
    for row in found:
        counts[row.reason][place[begin(row.day, unit)]] += row.claims
    shown = {reason: numbers for reason, numbers in counts.items() if any(numbers)}
    totals = [sum(column) for column in zip(*shown.values(), strict=True)]
    held = [span.start >= starts and span.end <= min(ends + timedelta(days=1), today) for span in spans]
    figure = _bars(asked, spans, shown, totals, held)
    return Answer(
        sentence=_said(asked, spans, shown, totals, unit),
        figure=figure,
        key=looks.key(
            {reason: f"{asked.word(reason)} {sum(numbers):,}" for reason, numbers in shown.items()}, dark=asked.dark
        ),
        table=tuple(
            {unit.title(): span.start.isoformat()}
            | {asked.word(reason): numbers[number] for reason, numbers in shown.items()}
            | {"All": totals[number]}
            for number, span in enumerate(spans)
        ),
        note=f"By {unit}, as claims reached the company."
        + (" Weeks begin on Monday." if unit == "week" else "")
        + ("" if all(held) else f" A paler bar is a {unit} that isn't over or reaches beyond the period."),
    )


def _bars(
    asked: Asked, spans: Sequence[Bucket], shown: dict[str, list[int]], totals: Sequence[int], held: Sequence[bool]
) -> go.Figure:
    """A figure whose x is the place of the bucket, so that every bar is as wide and stands above its label."""
    opacity = [1.0 if whole else 0.55 for whole in held]
    figure = go.Figure()
    names = [label(span, long=True) for span in spans]
    for reason, numbers in shown.items():
        figure.add_bar(
            name=f"{asked.word(reason)} {sum(numbers):,}",
            x=list(range(len(spans))),
            y=numbers,
            customdata=names,
            marker={"color": colour(reason, dark=asked.dark), "opacity": opacity, "line": {"width": 0}},
            hovertemplate="%{customdata}: %{y:,} " + asked.word(reason) + "<extra></extra>",
        )
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
    step = -(-len(spans) // TICKS)
    ticks = list(range(0, len(spans), step))
    years = len({span.start.year for span in spans}) > 1
    figure.update_layout(barmode="stack")
    figure.update_xaxes(
        tickvals=ticks,
        ticktext=[label(spans[number], long=years) for number in ticks],
        range=[-0.6, len(spans) - 0.4],
        showgrid=False,
        zeroline=False,
        tickangle=0,
    )
    most = max(totals)
    figure.update_yaxes(tickformat=",d", nticks=5, zeroline=True, range=[0, most * 1.15])
    if most <= FEW_STEPS:
        figure.update_yaxes(dtick=1)
    return looks.framed(figure, 300, dark=asked.dark)


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


@chart("What does the policy say of them?", "Claims")
def said_by_the_policy(asked: Asked) -> Answer:
    """The verdicts by reason, as shares."""
    found = metrics.verdicts(asked.store, asked.period)
    if not found:
        return Answer("No claims came in during this period.")
    rows = rows_by_reason(asked, found)
    every = Counter[str]()
    for count in found:
        every[count.value] += count.claims
    words = {verdict: asked.word(verdict) for verdict in VERDICTS}
    return Answer(
        sentence=_settled(asked, every),
        figure=looks.share_bars(rows, words, dark=asked.dark),
        key=looks.key({code: word for code, word in words.items() if every[code]}, dark=asked.dark),
        table=tuple(
            {"Reason": row.label} | {word: row.parts.get(code, 0) for code, word in words.items()} | {"All": row.whole}
            for row in rows
        ),
        note="The verdict as it stands now; a decided claim keeps the one it was decided under.",
    )


def _settled(asked: Asked, every: Counter[str]) -> str:
    whole, favour = every.total(), every["approve"] + every["exchange"]
    if whole == 1:
        return f"The policy's verdict on the one claim is “{asked.word(next(iter(every)))}”."
    parts = [(favour, "in the customer's favour"), (every["deny"], "against")]
    said = " and ".join(f"{number:,} {words}" for number, words in parts if number)
    share = percent((favour + every["deny"]) / whole)
    said = f"The policy settles {share} of {many(whole, 'claim')}" + (f": {said}." if said else ".")
    open_parts = [
        f"{every[code]:,} {one if every[code] == 1 else several}"
        for code, one, several in (
            ("need_info", "lacks a fact", "lack a fact"),
            ("pending", "waits for a clock", "wait for a clock"),
            ("review", "is for a person", "are for a person"),
        )
        if every[code]
    ]
    return f"{said} {', '.join(open_parts)}." if open_parts else said


def rows_by_reason(asked: Asked, found: Sequence[metrics.Count]) -> list[Row]:
    """A row a reason, in the order of the reasons."""
    parts: dict[str, dict[str, int]] = {}
    for count in found:
        parts.setdefault(count.reason, {})[count.value] = count.claims
    return [Row(asked.word(reason), parts[reason]) for reason in REASONS_AND_NONE if reason in parts]
