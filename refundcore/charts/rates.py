"""Rates over time: by reason with their uncertainty, and by activity beside cohort."""

from __future__ import annotations

from datetime import timedelta

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from refundcore import metrics
from refundcore.charts import looks
from refundcore.charts.claims import REASONS_AND_NONE, clipped, label, time_axis
from refundcore.charts.decisions import NOTHING
from refundcore.charts.looks import colour, many, percent, rate_text
from refundcore.charts.model import FEW, Answer, Asked, Cell, Picks, chart
from refundcore.metrics import Bucket, Rate, buckets, day_of, pick, to_text

PANEL = 104


@chart("How does the refund rate change?", "Decisions")
def over_time(asked: Asked) -> Answer:
    """A small panel a reason: the rate with its interval, step by step."""
    found = metrics.read(asked.store, "decided", asked.frame, ("day", "reason", "what"))
    if not found:
        return Answer(NOTHING)
    spans = buckets(asked.frame.first, min(asked.frame.last, asked.today), asked.grain)
    place = {span.start: number for number, span in enumerate(spans)}
    counts = {reason: [[0, 0] for _ in spans] for reason in REASONS_AND_NONE}
    for row in found:
        number = place.get(metrics.begin(day_of(row["day"]), asked.grain))
        if number is None:
            continue
        cell = counts[row["reason"]][number]
        cell[0] += row["n"] if row["what"] == "approve" else 0
        cell[1] += row["n"]
    rates = {
        reason: [Rate(reason, *cell) for cell in cells] for reason, cells in counts.items() if any(c[1] for c in cells)
    }
    picks = Picks()
    return Answer(
        sentence=_changed(asked, rates, spans),
        figure=_panels(asked, rates, spans, picks),
        table=tuple(
            {
                asked.grain.title(): span.start.isoformat(),
                "Reason": asked.word(reason),
                "Refunded": Cell(f"{rate.part:,}", _behind(asked, span, reason, "approve") if rate.part else ""),
                "Decided": Cell(f"{rate.whole:,}", _behind(asked, span, reason)),
                "Rate": percent(rate.share),
                "From": percent(rate.interval[0]),
                "To": percent(rate.interval[1]),
            }
            for reason, row in rates.items()
            for span, rate in zip(spans, row, strict=True)
            if rate.whole
        ),
        note=f"Refunds out of the decisions of each {asked.grain}, with the 95% interval (Wilson); n under each point."
        f" Hollow points stand for fewer than {FEW} decisions and say little.",
        picks=picks.found,
    )


def _behind(asked: Asked, span: Bucket, reason: str, what: str = "") -> str:
    where = {"reason": reason} | ({"what": what} if what else {})
    return to_text(pick("decided", clipped(asked, span), **where))


def _changed(asked: Asked, rates: dict[str, list[Rate]], spans: list[Bucket]) -> str:
    """The change from the first to the last step that rest on enough decisions."""
    whole = [
        Rate("", sum(r[n].part for r in rates.values()), sum(r[n].whole for r in rates.values()))
        for n in range(len(spans))
    ]
    sure = [number for number, rate in enumerate(whole) if rate.whole >= FEW]
    if len(sure) < 2:
        return f"Too few decisions to see a change: no two {asked.grain}s have {FEW} or more."
    first, last = whole[sure[0]], whole[sure[-1]]
    said = (
        f"From {percent(first.share)} ({label(spans[sure[0]], long=True)}) to {percent(last.share)} "
        f"({label(spans[sure[-1]], long=True)}) over all reasons"
    )
    apart = first.interval[1] < last.interval[0] or last.interval[1] < first.interval[0]
    return f"{said}; {'more than chance would explain' if apart else 'within what chance alone may do'}."


def _panels(asked: Asked, rates: dict[str, list[Rate]], spans: list[Bucket], picks: Picks) -> go.Figure:
    size = len(rates)
    figure = make_subplots(
        rows=size,
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.0 if size == 1 else min(0.3 / size, 0.09),
        subplot_titles=[asked.word(reason) for reason in rates],
    )
    figure.update_annotations(x=0, xanchor="left", font={"size": 12.5})
    few_steps = len(spans) <= 16
    for row, (reason, found) in enumerate(rates.items(), 1):
        seen = [number for number, rate in enumerate(found) if rate.whole]
        fill = colour(reason, dark=asked.dark)
        low = [found[number].interval[0] for number in seen]
        high = [found[number].interval[1] for number in seen]
        shares = [found[number].share for number in seen]
        figure.add_scatter(
            row=row,
            col=1,
            x=seen,
            y=shares,
            mode="lines+markers",
            line={"color": fill, "width": 1.5},
            marker={
                "color": fill,
                "size": 8,
                "symbol": ["circle-open" if found[number].whole < FEW else "circle" for number in seen],
            },
            error_y={
                "type": "data",
                "symmetric": False,
                "array": [top - share for top, share in zip(high, shares, strict=True)],
                "arrayminus": [share - bottom for bottom, share in zip(low, shares, strict=True)],
                "color": fill,
                "thickness": 1.2,
                "width": 0,
            },
            customdata=[[label(spans[number], long=True), found[number].part, found[number].whole] for number in seen],
            hovertemplate="%{customdata[0]}: %{customdata[1]:,} of %{customdata[2]:,} (%{y:.0%})<extra></extra>",
            cliponaxis=False,
        )
        picks.add(figure, [_behind(asked, spans[number], reason) for number in seen])
        if few_steps:
            figure.add_scatter(
                row=row,
                col=1,
                x=seen,
                y=[-0.26] * len(seen),
                mode="text",
                text=[f"n {found[number].whole:,}" for number in seen],
                textfont={"size": 10.5},
                hoverinfo="skip",
                cliponaxis=False,
            )
    time_axis(figure, spans)
    figure.update_xaxes(range=[-0.5, len(spans) - 0.5])
    figure.update_yaxes(range=[-0.42, 1.05], tickvals=[0, 0.5, 1], tickformat=".0%", zeroline=False)
    looks.framed(figure, 40 + PANEL * size, dark=asked.dark)
    return figure.update_layout(margin={"t": 24})


@chart("By activity or by purchase: how many sales come back?", "Decisions")
def two_rates(asked: Asked) -> Answer:
    """The rate of each step told by when claims came, and by when what they are about was bought."""
    frame = asked.frame
    spans = buckets(frame.first, min(frame.last, asked.today), asked.grain)
    found = metrics.cohorts(asked.store, frame, spans, asked.today)
    if not any(one.came or one.bought or one.decisions for one in found):
        return Answer("No claims came in or were about purchases of this period.")
    with_orders = any(one.orders for one in found)
    if with_orders:
        activity = [Rate("activity", one.came, one.orders) for one in found]
        cohort = [Rate("cohort", one.bought, one.orders) for one in found]
    else:
        activity = [Rate("activity", one.refunded, one.decisions) for one in found]
        cohort = [Rate("cohort", one.bought_refunded, one.bought) for one in found]
    picks = Picks()
    behind = [_behind_two(asked, span, with_orders=with_orders) for span in spans]
    return Answer(
        sentence=_two_said(asked, found, activity, cohort, with_orders=with_orders),
        figure=_two_lines(asked, spans, (activity, cohort), [one.mature for one in found], (behind, picks)),
        key=looks.key({"activity": "By activity", "cohort": "By purchase (hollow: still filling up)"}, dark=asked.dark),
        table=tuple(
            {asked.grain.title(): span.start.isoformat()}
            | ({"Orders": one.orders} if with_orders else {})
            | {
                "Claims came": Cell(f"{one.came:,}", texts["came"] if one.came else ""),
                "Decided": Cell(f"{one.decisions:,}", texts["decided"] if one.decisions else ""),
                "Refunded": Cell(f"{one.refunded:,}", texts["refunded"] if one.refunded else ""),
                "By activity": rate_text(now),
                "Claims on its purchases": Cell(f"{one.bought:,}", texts["bought"] if one.bought else ""),
                "Refunded of these": Cell(
                    f"{one.bought_refunded:,}", texts["bought_refunded"] if one.bought_refunded else ""
                ),
                "By purchase": rate_text(then) + ("" if one.mature else " so far"),
            }
            for span, one, now, then, texts in zip(spans, found, activity, cohort, behind, strict=True)
        ),
        note=_explained(with_orders=with_orders),
        picks=picks.found,
    )


def _explained(*, with_orders: bool) -> str:
    ripe = f"A purchase's claims can come for weeks, so steps of the last {metrics.RIPE} days are marked as still"
    if with_orders:
        return (
            "By activity: claims that came in a step, out of the orders placed in it. By purchase: claims on the "
            f"orders placed in the step, whenever they came, out of the same orders. {ripe} filling up. Orders are "
            "those of the uploaded file."
        )
    return (
        "By activity: refunds out of the decisions that took effect in a step. By purchase: claims on what was bought "
        f"in the step, and how many of these were refunded. {ripe} filling up. Without an orders file nobody knows how "
        "many sales had no claim, so both are rates of claims, not of sales."
    )


def _behind_two(asked: Asked, span: Bucket, *, with_orders: bool) -> dict[str, str]:
    frame = clipped(asked, span)
    made = {
        "came": pick("came", frame),
        "decided": pick("decided", frame),
        "refunded": pick("decided", frame, what="approve"),
        "bought": pick("bought", frame),
        "bought_refunded": pick("bought", frame, "approved"),
    }
    texts = {name: to_text(one) for name, one in made.items()}
    return texts | {
        "activity": texts["came" if with_orders else "refunded"],
        "cohort": texts["bought" if with_orders else "bought_refunded"],
    }


def _two_said(
    asked: Asked, found: list[metrics.Cohort], activity: list[Rate], cohort: list[Rate], *, with_orders: bool
) -> str:
    now = Rate("", sum(rate.part for rate in activity), sum(rate.whole for rate in activity))
    ripe = [rate for rate, one in zip(cohort, found, strict=True) if one.mature]
    then = Rate("", sum(rate.part for rate in ripe), sum(rate.whole for rate in ripe))
    of = "order" if with_orders else "decision"
    said = f"By activity {rate_text(now)} ({now.part:,} of {many(now.whole, of)})" if now.whole else "By activity none"
    if not then.whole:
        young = asked.today - timedelta(days=metrics.RIPE)
        return f"{said}; by purchase it is too early to say, since nothing here was bought before {young:%d %b %Y}."
    about = "order" if with_orders else "claim"
    return f"{said}; by purchase {rate_text(then)} ({then.part:,} of {many(then.whole, about)} that had their time)."


def _two_lines(
    asked: Asked,
    spans: list[Bucket],
    rates: tuple[list[Rate], list[Rate]],
    mature: list[bool],
    behind: tuple[list[dict[str, str]], Picks],
) -> go.Figure:
    figure = go.Figure()
    texts, picks = behind
    for name, found, dash in zip(("activity", "cohort"), rates, ("dot", "solid"), strict=True):
        seen = [number for number, rate in enumerate(found) if rate.whole]
        fill = colour(name, dark=asked.dark)
        ripe = [name == "activity" or mature[number] for number in seen]
        figure.add_scatter(
            x=seen,
            y=[found[number].share for number in seen],
            mode="lines+markers",
            line={"color": fill, "width": 2, "dash": dash},
            marker={"color": fill, "size": 9, "symbol": ["circle" if one else "circle-open" for one in ripe]},
            customdata=[
                [
                    label(spans[number], long=True),
                    found[number].part,
                    found[number].whole,
                    "" if one else ", still filling up",
                ]
                for number, one in zip(seen, ripe, strict=True)
            ],
            hovertemplate="%{customdata[0]}: %{customdata[1]:,} of %{customdata[2]:,} (%{y:.1%})%{customdata[3]}"
            "<extra></extra>",
            cliponaxis=False,
        )
        picks.add(figure, [texts[number][name] if found[number].part else "" for number in seen])
    time_axis(figure, spans)
    highest = max((rate.share for row in rates for rate in row if rate.whole), default=0.0)
    figure.update_yaxes(range=[0, max(highest * 1.15, 0.001)], tickformat=".1%" if highest < 0.1 else ".0%", nticks=5)
    return looks.framed(figure, 280, dark=asked.dark)
