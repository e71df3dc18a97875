"""Decisions: what they were, how often money went back, and which clauses turn claims down."""

from __future__ import annotations

from collections import Counter

import plotly.graph_objects as go

from refundcore import metrics
from refundcore.charts import looks
from refundcore.charts.claims import REASONS_AND_NONE, rows_by_reason
from refundcore.charts.looks import colour, many, percent, sentence
from refundcore.charts.model import FEW, Answer, Asked, chart
from refundcore.metrics import Rate

NOTHING = "Nothing was decided during this period."
DONE = {"approve": "approved", "exchange": "exchanged", "deny": "denied"}
MOST_CLAUSES = 12


@chart("What was decided?", "Decisions")
def decided(asked: Asked) -> Answer:
    """Outcomes by reason, as shares."""
    found = metrics.outcomes(asked.store, asked.period)
    if not found:
        return Answer(NOTHING)
    rows = rows_by_reason(asked, found)
    words = {outcome: asked.word(done) for outcome, done in DONE.items()}
    every = Counter[str]()
    for count in found:
        every[count.value] += count.claims
    parts = [f"{every[outcome]:,} {word.lower()}" for outcome, word in words.items() if every[outcome]]
    listed = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    return Answer(
        sentence=f"{sentence(many(every.total(), 'decision'))}: {listed}.",
        figure=looks.share_bars(rows, words, dark=asked.dark),
        key=looks.key({code: word for code, word in words.items() if every[code]}, dark=asked.dark),
        table=tuple(
            {"Reason": row.label} | {word: row.parts.get(code, 0) for code, word in words.items()} | {"All": row.whole}
            for row in rows
        ),
        note="Decisions that stand, by when they took effect. What waits for a manager's approval or was withdrawn "
        "doesn't count.",
    )


@chart("How often does money go back?", "Decisions")
def refund_rate(asked: Asked) -> Answer:
    """The refund rate by reason with its 95 % interval."""
    rates = {rate.reason: rate for rate in metrics.refund_rates(metrics.outcomes(asked.store, asked.period))}
    if not rates:
        return Answer(NOTHING)
    shown = [rates[reason] for reason in REASONS_AND_NONE if reason in rates]
    overall = Rate("", sum(rate.part for rate in shown), sum(rate.whole for rate in shown))
    return Answer(
        sentence=_rate_said(asked, shown, overall),
        figure=_dots(asked, shown, overall),
        table=tuple(
            {
                "Reason": asked.word(rate.reason),
                "Refunded": rate.part,
                "Decided": rate.whole,
                "Rate": percent(rate.share),
                "From": percent(rate.interval[0]),
                "To": percent(rate.interval[1]),
            }
            for rate in shown
        ),
        note="Refunds out of all decisions; a replacement is none. The line is the 95% interval (Wilson); a hollow "
        f"dot stands for fewer than {FEW} decisions.",
    )


def _dots(asked: Asked, shown: list[Rate], overall: Rate) -> go.Figure:
    heads = [_rate_head(asked, rate) for rate in shown]
    colours = [colour(rate.reason, dark=asked.dark) for rate in shown]
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
        customdata=[[asked.word(rate.reason), rate.part, rate.whole, *map(percent, rate.interval)] for rate in shown],
        hovertemplate="%{customdata[0]}: %{customdata[1]:,} of %{customdata[2]:,} (%{x:.0%}), "
        "likely %{customdata[3]} to %{customdata[4]}<extra></extra>",
        cliponaxis=False,
    )
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
    return f"{asked.word(rate.reason)}<br><b>{percent(rate.share)}</b>  {rate.part:,} of {rate.whole:,}{few}"


def _rate_said(asked: Asked, shown: list[Rate], overall: Rate) -> str:
    said = f"Money went back on {overall.part:,} of {many(overall.whole, 'decision')} ({percent(overall.share)})."
    sure = [rate for rate in shown if rate.whole >= FEW]
    if len(sure) > 1:
        most, least = max(sure, key=lambda rate: rate.share), min(sure, key=lambda rate: rate.share)
        said += (
            f" Most often for “{asked.word(most.reason)}” ({percent(most.share)}), least often for "
            f"“{asked.word(least.reason)}” ({percent(least.share)})."
        )
    elif overall.whole < FEW:
        low, high = overall.interval
        said += f" So few decisions say little: the rate may as well be {percent(low)} or {percent(high)}."
    return said


@chart("Which clauses turn claims down?", "Decisions")
def clauses(asked: Asked) -> Answer:
    """Denials by the clause that led."""
    found = metrics.denying_clauses(asked.store, asked.period)
    if not found:
        return Answer("No claim was denied by the policy during this period.")
    every = Counter[str]()
    for count in found:
        every[count.value] += count.claims
    ranked = every.most_common(MOST_CLAUSES)
    titles = {name: clause.title for name, clause in asked.store.policy.clauses.items()}
    heads = {name: f"{name or '–'}  {titles.get(name, 'no clause')}" for name, _ in ranked}
    figure = go.Figure()
    for reason in REASONS_AND_NONE:
        by_clause = {count.value: count.claims for count in found if count.reason == reason}
        if not by_clause:
            continue
        figure.add_bar(
            name=asked.word(reason),
            orientation="h",
            y=[heads[name] for name, _ in ranked],
            x=[by_clause.get(name, 0) for name, _ in ranked],
            marker={"color": colour(reason, dark=asked.dark), "line": {"width": 0}},
            hovertemplate="%{y}: %{x:,} for " + asked.word(reason) + "<extra></extra>",
        )
    figure.add_scatter(
        x=[number for _, number in ranked],
        y=[heads[name] for name, _ in ranked],
        mode="text",
        text=[f" {number:,}" for _, number in ranked],
        textposition="middle right",
        showlegend=False,
        hoverinfo="skip",
        cliponaxis=False,
    )
    figure.update_layout(barmode="stack")
    figure.update_xaxes(range=[0, ranked[0][1] * 1.12], visible=False)
    figure.update_yaxes(autorange="reversed", showgrid=False)
    looks.framed(figure, looks.FRAME + looks.ROW * len(ranked), dark=asked.dark)
    reasons = {reason: asked.word(reason) for reason in REASONS_AND_NONE if any(row.reason == reason for row in found)}
    name, most = ranked[0]
    whole = every.total()
    share = "all of them" if most == whole else f"{percent(most / whole)} of them"
    said = f"{sentence(many(whole, 'claim'))} {'was' if whole == 1 else 'were'} denied as the policy says"
    return Answer(
        sentence=f"{said}, {share} by {heads[name].replace('  ', ', ')}.",
        figure=figure,
        key=looks.key(reasons, dark=asked.dark),
        table=tuple({"Clause": heads[name].replace("  ", ", "), "Denied": number} for name, number in ranked),
        note="The leading clause of each denial. Denials against the policy's verdict are left out."
        + (f" The {MOST_CLAUSES} most frequent." if len(every) > MOST_CLAUSES else ""),
    )
