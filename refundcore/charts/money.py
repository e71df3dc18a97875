"""Money: from what was claimed to what was paid. Each currency has its own scale; nothing is added across."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from refundcore import metrics
from refundcore.charts import looks
from refundcore.charts.claims import REASONS_AND_NONE
from refundcore.charts.looks import colour, many, sentence
from refundcore.charts.model import Answer, Asked, Cell, Picks, Value, chart
from refundcore.metrics import Money, pick, to_text
from refundcore.money import EXPONENTS, plain

MOST_CURRENCIES = 3
MOST_SERIES = 5
OTHERS = "\x00others"


@dataclass(frozen=True)
class Step:
    """One bar of the bridge: what it is called, what of `Money` it shows, where it begins, what is behind it."""

    name: str
    value: str
    base: tuple[str, ...]
    """The parts of `Money` on top of which it stands."""
    part: str = "n"
    what: str = ""
    money: str = "gross"
    always: bool = True


STEPS = (
    Step("Claimed", "gross", ()),
    Step("Refused", "refused", ("approved", "exchanged"), what="deny"),
    Step("Replaced", "exchanged", ("approved",), what="exchange", always=False),
    Step("Approved", "approved", (), what="approve"),
    Step("Not granted", "withheld", ("net", "fees"), part="withheld", what="approve", money="withheld", always=False),
    Step("Fees kept", "fees", ("net",), part="fee", what="approve", money="fee"),
    Step("Paid out", "net", (), what="approve", money="refund"),
    Step("Processor's fees lost", "lost", ("net",), part="lost", what="approve", money="lost"),
)
"""From what was claimed to what was paid; the last is what a refund costs beside itself."""


@chart("Where does the claimed money go, by reason?", "Money")
def by_reason(asked: Asked) -> Answer:
    """The bridge, each bar cut by reason."""
    found = metrics.read(asked.store, "decided", asked.frame, ("currency", "reason", "what"))
    order = {reason: asked.word(reason) for reason in REASONS_AND_NONE}
    fills = {reason: colour(reason, dark=asked.dark) for reason in REASONS_AND_NONE}
    return _bridge(asked, found, "reason", (order, fills))


@chart("Where does it go, by payment method?", "Money")
def by_method(asked: Asked) -> Answer:
    """The bridge, each bar cut by how it was paid."""
    found = metrics.read(asked.store, "decided", asked.frame, ("currency", "value", "what"), facet="method")
    counts = Counter[str]()
    for row in found:
        counts[row["value"]] += row["n"]
    ranked = [method for method, _ in counts.most_common()]
    order = {method: method.replace("_", " ") if method else "Not recorded" for method in ranked}
    codes = (*looks.SERIES[:MOST_SERIES], *([""] * len(ranked)))
    fills = {method: colour(code, dark=asked.dark) for method, code in zip(ranked, codes, strict=False)}
    return _bridge(asked, [{**row, "method": row["value"]} for row in found], "method", (order, fills))


def _bridge(
    asked: Asked, found: Sequence[Mapping[str, object]], by: str, look: tuple[dict[str, str], dict[str, str]]
) -> Answer:
    if not found:
        return Answer("Nothing was decided during this period.")
    order, fills = look
    parts: dict[str, dict[str, Money]] = defaultdict(dict)
    for series in order:
        rows = [dict(row) for row in found if row[by] == series]
        for one in metrics.money(rows):
            parts[one.currency][series] = one
    wholes = {one.currency: one for one in metrics.money([dict(row) for row in found])}
    shown = [code for code in wholes if wholes[code].gross][:MOST_CURRENCIES]
    kept = [step for step in STEPS if step.always or any(getattr(one, step.value) for one in wholes.values())]
    picks = Picks()
    drawn = {code: parts[code] for code in shown}
    names = [series for series in order if any(series in row for row in drawn.values())]
    return Answer(
        sentence=" ".join(_said(wholes[code]) for code in shown) or "No amounts are known of what was decided.",
        key=tuple((fills[series], order[series]) for series in names),
        figure=_panels(asked, drawn, kept, (by, order, fills), picks) if shown else None,
        table=tuple(
            {
                "Currency": code or "unknown",
                by.title(): order[series],
                "Decisions": Cell(f"{one.decisions:,}", _behind(asked, code, {by: series}, STEPS[0])),
                **{step.name: _cell(asked, one, {by: series}, step) for step in kept},
            }
            for code in wholes
            for series, one in parts[code].items()
        )
        + tuple(
            {
                "Currency": code or "unknown",
                by.title(): "All",
                "Decisions": Cell(f"{one.decisions:,}", _behind(asked, code, {}, STEPS[0])),
                **{step.name: _cell(asked, one, {}, step) for step in kept},
            }
            for code, one in wholes.items()
        )
        if shown
        else (),
        note=f"Of {many(sum(one.decisions for one in wholes.values()), 'decision')} that took effect. Claimed is what "
        "was paid once for the items; where that isn't known, what was granted stands for it. "
        + _lost_note(asked, wholes)
        + (" Each currency has its own scale." if len(wholes) > 1 else "")
        + (" The other currencies stand in the table." if len(wholes) > len(shown) else ""),
        picks=picks.found,
    )


def _lost_note(asked: Asked, wholes: Mapping[str, Money]) -> str:
    if not asked.store.policy.fees:
        return "The processor's fees are unknown, since the fee schedule is empty."
    del wholes
    return (
        "The processor's fees lost are those of the fee schedule on what was refunded, less what was kept of the "
        "refund; they come on top of what is paid out."
    )


def _cell(asked: Asked, one: Money, series: Mapping[str, str], step: Step) -> Value:
    value = getattr(one, step.value)
    text = amount(value, one.currency)
    return Cell(text, _behind(asked, one.currency, series, step)) if value else text


def _behind(asked: Asked, code: str, series: Mapping[str, str], step: Step) -> str:
    where = {"currency": code, **series} | ({"what": step.what} if step.what else {})
    return to_text(pick("decided", asked.frame, step.part, step.money, **where))


def amount(minor: int, currency: str) -> str:
    """`1,234.50 USD`."""
    digits = plain(minor, currency) if currency in EXPONENTS else str(minor)
    whole, _, fraction = digits.partition(".")
    sign = "-" if whole.startswith("-") and int(whole) == 0 else ""
    return f"{sign}{int(whole):,}{'.' if fraction else ''}{fraction} {currency}".rstrip()


def _said(one: Money) -> str:
    code = one.currency
    said = f"Of {amount(one.gross, code)} claimed, {amount(one.net, code)} went back on {many(one.refunds, 'refund')}"
    said += f" and {amount(one.fees, code)} {'was' if one.fees == 1 else 'were'} kept as fees" if one.fees else ""
    return sentence(f"{said}.")


def _panels(
    asked: Asked,
    drawn: Mapping[str, Mapping[str, Money]],
    steps: Sequence[Step],
    look: tuple[str, dict[str, str], dict[str, str]],
    picks: Picks,
) -> go.Figure:
    by, order, fills = look
    size = len(drawn)
    figure = make_subplots(
        rows=size,
        cols=1,
        vertical_spacing=0.0 if size == 1 else 0.12 / (size - 1),
        subplot_titles=[f"<b>{code or 'Currency unknown'}</b>" for code in drawn] if size > 1 else None,
    )
    figure.update_annotations(x=0, xanchor="left", font={"size": 13})
    names = [step.name for step in steps]
    for row, (code, parts) in enumerate(drawn.items(), 1):
        scale = 10 ** EXPONENTS.get(code, 0)
        whole = {step.value: sum(getattr(one, step.value) for one in parts.values()) for step in STEPS}
        tops = [sum(whole[name] for name in step.base) for step in steps]
        for series, one in parts.items():
            values = [getattr(one, step.value) for step in steps]
            figure.add_bar(
                row=row,
                col=1,
                orientation="h",
                y=names,
                x=[value / scale for value in values],
                base=[top / scale for top in tops],
                customdata=[amount(value, code) for value in values],
                marker={"color": fills[series], "line": {"width": 0}},
                hovertemplate="%{y}: %{customdata}, " + looks.safe(order[series]) + "<extra></extra>",
            )
            picks.add(
                figure,
                [
                    _behind(asked, code, {by: series}, step) if value else ""
                    for step, value in zip(steps, values, strict=True)
                ],
            )
            tops = [top + value for top, value in zip(tops, values, strict=True)]
        figure.add_scatter(
            row=row,
            col=1,
            x=[top / scale for top in tops],
            y=names,
            mode="text",
            text=[f" {amount(whole[step.value], code)}" for step in steps],
            textposition="middle right",
            hoverinfo="skip",
            cliponaxis=False,
        )
        figure.update_xaxes(row=row, col=1, range=[0, (max(tops) / scale or 1) * 1.75], visible=False)
        figure.update_yaxes(
            row=row, col=1, range=[len(names) - 0.5, -0.5], showgrid=False, categoryorder="array", categoryarray=names
        )
    figure.update_layout(barmode="overlay")
    looks.framed(figure, 20 + size * (30 * len(names) + (44 if size > 1 else 0)), dark=asked.dark)
    return figure.update_layout(margin={"t": 30 if size > 1 else 8})
