"""Money: what went back, and what was kept. Each currency has its own scale; nothing is added across."""

from __future__ import annotations

from collections import Counter, defaultdict

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from refundcore import metrics
from refundcore.charts import looks
from refundcore.charts.claims import REASONS_AND_NONE
from refundcore.charts.looks import colour, many, sentence
from refundcore.charts.model import Answer, Asked, chart
from refundcore.metrics import Sum
from refundcore.money import EXPONENTS, plain

MOST_CURRENCIES = 6


@chart("How much money went back?", "Money")
def paid(asked: Asked) -> Answer:
    """Net refunds and fees by reason, a panel a currency."""
    found = metrics.sums(asked.store, asked.period)
    if not found:
        return Answer("Nothing was refunded during this period.")
    refunds = Counter[str]()
    for row in found:
        refunds[row.currency] += row.refunds
    currencies = [code for code, _ in refunds.most_common()]
    by_currency: dict[str, dict[str, Sum]] = defaultdict(dict)
    for row in found:
        by_currency[row.currency][row.reason] = row
    shown = currencies[:MOST_CURRENCIES]
    return Answer(
        sentence=" ".join(_said(code, by_currency[code]) for code in shown),
        key=looks.key({"fees": "Fees kept"}, dark=asked.dark) if any(row.fees for row in found) else (),
        figure=_panels(asked, {code: by_currency[code] for code in shown}),
        table=tuple(
            {
                "Currency": code or "unknown",
                "Reason": asked.word(reason),
                "Refunds": by_currency[code][reason].refunds,
                "Net refunded": amount(by_currency[code][reason].net, code),
                "Fees kept": amount(by_currency[code][reason].fees, code),
            }
            for code in currencies
            for reason in REASONS_AND_NONE
            if reason in by_currency[code]
        ),
        note="Refunds after fees. Amounts of different currencies are never added; each has its own scale."
        + (" The other currencies stand in the table." if len(currencies) > len(shown) else ""),
    )


def amount(minor: int, currency: str) -> str:
    """`1,234.50 USD`."""
    digits = plain(minor, currency) if currency in EXPONENTS else str(minor)
    whole, _, fraction = digits.partition(".")
    return f"{int(whole):,}{'.' if fraction else ''}{fraction} {currency}".rstrip()


def _said(code: str, rows: dict[str, Sum]) -> str:
    net, fees = sum(row.net for row in rows.values()), sum(row.fees for row in rows.values())
    refunds = sum(row.refunds for row in rows.values())
    kept = f", {amount(fees, code)} kept as fees" if fees else ""
    return sentence(f"{amount(net, code)} went back on {many(refunds, 'claim')}{kept}.")


def _panels(asked: Asked, by_currency: dict[str, dict[str, Sum]]) -> go.Figure:
    sizes = [len(rows) for rows in by_currency.values()]
    figure = make_subplots(
        rows=len(sizes),
        cols=1,
        row_heights=[size + 0.6 for size in sizes],
        vertical_spacing=0.12 / max(1, len(sizes) - 1) if len(sizes) > 1 else 0,
        subplot_titles=[f"<b>{code or 'Currency unknown'}</b>" for code in by_currency] if len(sizes) > 1 else None,
    )
    figure.update_annotations(x=0, xanchor="left", font={"size": 13})
    for place, (code, rows) in enumerate(by_currency.items(), 1):
        reasons = [reason for reason in REASONS_AND_NONE if reason in rows]
        heads = [asked.word(reason) for reason in reasons]
        scale = 10 ** EXPONENTS.get(code, 0)
        figure.add_bar(
            row=place,
            col=1,
            orientation="h",
            y=heads,
            x=[rows[reason].net / scale for reason in reasons],
            customdata=[[amount(rows[reason].net, code), rows[reason].refunds] for reason in reasons],
            marker={"color": [colour(reason, dark=asked.dark) for reason in reasons], "line": {"width": 0}},
            hovertemplate="%{y}: %{customdata[0]} on %{customdata[1]:,} refunds<extra></extra>",
        )
        if any(rows[reason].fees for reason in reasons):
            figure.add_bar(
                row=place,
                col=1,
                orientation="h",
                y=heads,
                x=[rows[reason].fees / scale for reason in reasons],
                customdata=[amount(rows[reason].fees, code) for reason in reasons],
                marker={"color": colour("fees", dark=asked.dark), "line": {"width": 0}},
                hovertemplate="%{y}: %{customdata} kept as fees<extra></extra>",
            )
        ends = [(rows[reason].net + rows[reason].fees) / scale for reason in reasons]
        figure.add_scatter(
            row=place,
            col=1,
            x=ends,
            y=heads,
            mode="text",
            text=[f" {_label(rows[reason], code)}" for reason in reasons],
            textposition="middle right",
            hoverinfo="skip",
            cliponaxis=False,
        )
        figure.update_xaxes(row=place, col=1, range=[0, (max(ends) or 1) * 1.6], visible=False)
        figure.update_yaxes(row=place, col=1, range=[len(reasons) - 0.5, -0.5], showgrid=False)
    figure.update_layout(barmode="stack")
    height = 20 + sum(looks.ROW * size + (44 if len(sizes) > 1 else 0) for size in sizes)
    looks.framed(figure, max(height, 60), dark=asked.dark)
    return figure.update_layout(margin={"t": 30 if len(sizes) > 1 else 8})


def _label(row: Sum, code: str) -> str:
    fees = f" + {amount(row.fees, code)} fees" if row.fees else ""
    return f"{amount(row.net, code)}{fees} · {many(row.refunds, 'refund')}"
