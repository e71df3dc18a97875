"""Clauses: which turn claims down, which are overridden, and which never fire."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import plotly.graph_objects as go

from refundcore import metrics
from refundcore.charts import looks
from refundcore.charts.claims import REASONS_AND_NONE
from refundcore.charts.looks import colour, many, percent, rate_text, sentence
from refundcore.charts.model import FEW, Answer, Asked, Cell, Picks, chart
from refundcore.metrics import Rate, pick, to_text

MOST = 12
LEADING = ("ground", "bar", "hold", "supply", "clock", "remedy", "fee")
"""Roles of clauses that can lead a verdict; a note decides nothing."""


@chart("Which clauses turn claims down?", "Policy")
def turning_down(asked: Asked) -> Answer:
    """Denials by the clause that led."""
    found = [row for row in metrics.read(asked.store, "clause", asked.frame, ("what", "reason")) if row["denied"]]
    if not found:
        return Answer("No claim was denied by the policy during this period.")
    every, by_reason = Counter[str](), dict[str, dict[str, int]]()
    for row in found:
        every[row["what"]] += row["denied"]
        by_reason.setdefault(row["reason"], {})[row["what"]] = row["denied"]
    ranked = every.most_common(MOST)
    heads = _heads(asked, every)
    figure, picks = go.Figure(), Picks()
    for reason in REASONS_AND_NONE:
        if reason not in by_reason:
            continue
        counts = by_reason[reason]
        figure.add_bar(
            name=asked.word(reason),
            orientation="h",
            y=[heads[name] for name, _ in ranked],
            x=[counts.get(name, 0) for name, _ in ranked],
            marker={"color": colour(reason, dark=asked.dark), "line": {"width": 0}},
            hovertemplate="%{y}: %{x:,} for " + asked.word(reason) + "<extra></extra>",
        )
        picks.add(figure, [_denied(asked, name, reason=reason) if counts.get(name) else "" for name, _ in ranked])
    _numbers(figure, [(heads[name], number, f"{number:,}") for name, number in ranked])
    looks.framed(figure, looks.FRAME + looks.ROW * len(ranked), dark=asked.dark)
    name, most = ranked[0]
    whole = every.total()
    share = "all of them" if most == whole else f"{percent(most / whole)} of them"
    said = f"{sentence(many(whole, 'claim'))} {'was' if whole == 1 else 'were'} denied as the policy says"
    return Answer(
        sentence=f"{said}, {share} by {_plain(heads[name])}.",
        figure=figure,
        key=looks.key(
            {reason: asked.word(reason) for reason in REASONS_AND_NONE if reason in by_reason}, dark=asked.dark
        ),
        table=tuple(
            {"Clause": _plain(heads[name]), "Denied": Cell(f"{number:,}", _denied(asked, name))}
            for name, number in every.most_common()
        ),
        note=f"Of {many(whole, 'denial')} that took effect and follow the verdict, by the clause that led it. Denials "
        "against the policy's verdict are left out."
        + (f" The {MOST} most frequent; the others stand in the table." if len(every) > MOST else ""),
        picks=picks.found,
    )


def _denied(asked: Asked, clause: str, **where: str) -> str:
    return to_text(pick("clause", asked.frame, "denied", what=clause, **where))


def _heads(asked: Asked, clauses: Mapping[str, int]) -> dict[str, str]:
    titles = {name: clause.title for name, clause in asked.store.policy.clauses.items()}
    return {name: f"{name}  {titles[name]}" if name in titles else name or "no clause" for name in clauses}


def _plain(head: str) -> str:
    return head.replace("  ", ", ")


def _numbers(figure: go.Figure, ends: list[tuple[str, int, str]]) -> None:
    """The number at the end of each bar."""
    figure.add_scatter(
        x=[number for _, number, _ in ends],
        y=[head for head, _, _ in ends],
        mode="text",
        text=[f" {text}" for _, _, text in ends],
        textposition="middle right",
        showlegend=False,
        hoverinfo="skip",
        cliponaxis=False,
    )
    figure.update_layout(barmode="stack")
    figure.update_xaxes(range=[0, max(number for _, number, _ in ends) * 1.3], visible=False)
    figure.update_yaxes(autorange="reversed", showgrid=False)


@chart("Which clauses are overridden most?", "Policy")
def overridden(asked: Asked) -> Answer:
    """Decisions against a verdict, by the clause that led it."""
    rows = metrics.read(asked.store, "clause", asked.frame, ("what",))
    rates = [Rate(row["what"], row["overridden"], row["n"]) for row in rows if row["overridden"]]
    if not rates:
        whole = sum(row["n"] for row in rows)
        of = f", of {many(whole, 'decision')}" if whole else ""
        return Answer(f"No decision went against the policy during this period{of}.")
    rates.sort(key=lambda rate: (-rate.part, rate.name))
    heads = _heads(asked, {rate.name: 0 for rate in rates})
    shown = rates[:MOST]
    figure, picks = go.Figure(), Picks()
    figure.add_bar(
        orientation="h",
        y=[heads[rate.name] for rate in shown],
        x=[rate.part for rate in shown],
        marker={"color": colour("plain", dark=asked.dark), "line": {"width": 0}},
        customdata=[[rate.whole, rate_text(rate)] for rate in shown],
        hovertemplate="%{y}: %{x:,} of %{customdata[0]:,} (%{customdata[1]})<extra></extra>",
    )
    picks.add(figure, [_over(asked, rate.name) for rate in shown])
    ends = [
        (heads[rate.name], rate.part, f"{rate.part:,} of {rate.whole:,}{', few' if rate.whole < FEW else ''}")
        for rate in shown
    ]
    _numbers(figure, ends)
    looks.framed(figure, looks.FRAME + looks.ROW * len(shown), dark=asked.dark)
    whole = sum(row["n"] for row in rows)
    part = sum(rate.part for rate in rates)
    return Answer(
        sentence=f"{part:,} of {many(whole, 'decision')} ({percent(part / whole)}) went against the verdict, most"
        f" often against {_plain(heads[rates[0].name])}: {rates[0].part:,} of {rates[0].whole:,}.",
        figure=figure,
        table=tuple(
            {
                "Clause": _plain(heads[rate.name]),
                "Overridden": Cell(f"{rate.part:,}", _over(asked, rate.name)),
                "Decided": Cell(f"{rate.whole:,}", to_text(pick("clause", asked.frame, what=rate.name))),
                "Share": rate_text(rate),
            }
            for rate in rates
        ),
        note="Decisions that took effect against the verdict, out of all decisions whose verdict the clause led.",
        picks=picks.found,
    )


def _over(asked: Asked, clause: str) -> str:
    return to_text(pick("clause", asked.frame, "overridden", what=clause))


@chart("Which clauses never fire?", "Policy")
def silent(asked: Asked) -> Answer:
    """Clauses that led no verdict of a decision."""
    rows = metrics.read(asked.store, "clause", asked.frame, ("what",))
    whole = sum(row["n"] for row in rows)
    if not whole:
        return Answer("Nothing was decided during this period, so no clause had the chance to.")
    led = {row["what"] for row in rows}
    able = {name: clause for name, clause in asked.store.policy.clauses.items() if set(clause.roles) & set(LEADING)}
    never = [name for name in able if name not in led]
    fired = len(able) - len(never)
    return Answer(
        sentence=f"{fired:,} of {many(len(able), 'clause')} led the verdict of {many(whole, 'decision')}; "
        + (f"{len(never):,} never did." if never else "none stayed silent."),
        table=tuple(
            {"Clause": name, "What it is about": able[name].title, "Role": ", ".join(able[name].roles)}
            for name in never
        ),
        note="A clause that never leads may still count: it is cited beside the leading one, or it bars what nobody "
        "claims.",
    )
