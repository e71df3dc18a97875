"""Where the money goes by product, and who does the work."""

from __future__ import annotations

from collections import Counter

import plotly.graph_objects as go

from refundcore import metrics
from refundcore.charts import looks
from refundcore.charts.looks import colour, many, percent, sentence
from refundcore.charts.model import FEW, Answer, Asked, Cell, Picks, chart
from refundcore.charts.money import amount
from refundcore.charts.timing import span_text
from refundcore.metrics import Rate, pick, to_text
from refundcore.money import EXPONENTS

MOST = 12


@chart("Which products does the money go back on?", "Products")
def products(asked: Asked) -> Answer:
    """Net refunds by product, in the currency of most refunds; the others in the table."""
    found = metrics.read(asked.store, "decided", asked.frame, ("value", "currency", "what"), facet="product")
    if not found:
        return Answer("Nothing was decided during this period.")
    refunds, decided = Counter[str](), Counter[tuple[str, str]]()
    net, count = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for row in found:
        key = (row["currency"], row["value"])
        decided[key] += row["n"]
        if row["what"] == "approve":
            refunds[row["currency"]] += row["n"]
            net[key] += row["refund"]
            count[key] += row["n"]
    if not refunds:
        return Answer("Nothing was refunded during this period.")
    code = refunds.most_common(1)[0][0]
    ranked = sorted(((key[1], value) for key, value in net.items() if key[0] == code), key=lambda one: -one[1])
    shown, whole = ranked[:MOST], sum(value for _, value in ranked)
    names = [looks.safe(looks.short(product)) if product else "Product unknown" for product, _ in shown]
    scale = 10 ** EXPONENTS.get(code, 0)
    figure, picks = go.Figure(), Picks()
    figure.add_bar(
        orientation="h",
        y=list(range(len(names))),
        x=[value / scale for _, value in shown],
        marker={"color": colour("plain", dark=asked.dark), "line": {"width": 0}},
        text=[f"{amount(value, code)} · {many(count[code, product], 'refund')}" for product, value in shown],
        textposition="outside",
        cliponaxis=False,
        customdata=names,
        hovertemplate="%{customdata}: %{text}<extra></extra>",
    )
    picks.add(figure, [_refunds(asked, code, product) for product, _ in shown])
    figure.update_xaxes(range=[0, (shown[0][1] / scale or 1) * 1.9], visible=False)
    figure.update_yaxes(
        tickvals=list(range(len(names))), ticktext=names, autorange="reversed", showgrid=False, zeroline=False
    )
    looks.framed(figure, looks.FRAME + looks.ROW * len(shown), dark=asked.dark)
    first, most = shown[0]
    share = f" ({percent(most / whole)})" if whole and len(ranked) > 1 else ""
    return Answer(
        sentence=f"{amount(whole, code)} went back on {many(len(ranked), 'product')}, most of it on "
        f"“{looks.short(first) if first else 'Product unknown'}”: {amount(most, code)}{share}.",
        figure=figure,
        table=tuple(
            {
                "Product": product or "unknown",
                "Currency": currency or "unknown",
                "Net refunded": Cell(amount(value, currency), _refunds(asked, currency, product)),
                "Refunds": Cell(f"{count[currency, product]:,}", _refunds(asked, currency, product)),
                "Decided": Cell(
                    f"{decided[currency, product]:,}",
                    to_text(pick("decided", asked.frame, "n", "gross", currency=currency, product=product)),
                ),
            }
            for (currency, product), value in sorted(net.items(), key=lambda one: (-refunds[one[0][0]], -one[1]))
        ),
        note=f"Of {many(sum(count.values()), 'refund')} that took effect, after fees."
        + (f" The {MOST} with most; the others stand in the table." if len(ranked) > MOST else "")
        + (f" Other currencies than {code} stand in the table too." if len(refunds) > 1 else ""),
        picks=picks.found,
    )


def _refunds(asked: Asked, currency: str, product: str) -> str:
    return to_text(pick("decided", asked.frame, "n", "refund", currency=currency, product=product, what="approve"))


@chart("Who does the work?", "Team", managers=True)
def agents(asked: Asked) -> Answer:
    """Decisions by whoever made them: how many, how fast, how many against the policy."""
    found = metrics.read(asked.store, "decided", asked.frame, ("value", "what"), facet="agent")
    if not found:
        return Answer("Nothing was decided during this period.")
    counts: dict[str, Counter[str]] = {}
    for row in found:
        cell = counts.setdefault(row["value"], Counter())
        cell[row["what"]] += row["n"]
        cell["overridden"] += row["overridden"]
    times = metrics.medians(metrics.read(asked.store, "took", asked.frame, ("value", "what"), facet="agent"), "value")
    words = {
        code: asked.word(done)
        for code, done in (("approve", "approved"), ("exchange", "exchanged"), ("deny", "denied"))
    }
    ranked = sorted(counts, key=lambda who: (-sum(counts[who][code] for code in words), who))
    sizes = {who: sum(counts[who][code] for code in words) for who in ranked}
    figure, picks = go.Figure(), Picks()
    names = [_name(asked, who) for who in ranked]
    for code, word in words.items():
        values = [counts[who][code] for who in ranked]
        if not any(values):
            continue
        figure.add_bar(
            orientation="h",
            y=names,
            x=values,
            marker={"color": colour(code, dark=asked.dark), "line": {"width": 0}},
            hovertemplate="%{y}: %{x:,} " + word.lower() + "<extra></extra>",
        )
        picks.add(
            figure,
            [
                to_text(pick("decided", asked.frame, agent=who, what=code)) if counts[who][code] else ""
                for who in ranked
            ],
        )
    ends = [_end(times, who, Rate(who, counts[who]["overridden"], sizes[who])) for who in ranked]
    figure.add_scatter(
        x=[sizes[who] for who in ranked],
        y=names,
        mode="text",
        text=ends,
        textposition="middle right",
        hoverinfo="skip",
        cliponaxis=False,
    )
    figure.update_layout(barmode="stack")
    figure.update_xaxes(range=[0, max(sizes.values()) * 1.9], visible=False)
    figure.update_yaxes(autorange="reversed", showgrid=False)
    looks.framed(figure, looks.FRAME + looks.ROW * len(ranked), dark=asked.dark)
    whole = sum(sizes.values())
    most = ranked[0]
    return Answer(
        sentence=f"{sentence(many(whole, 'decision'))} by {many(len(ranked), 'person', 'people')}"
        + (f"; most by {_name(asked, most)}, {percent(sizes[most] / whole)}." if len(ranked) > 1 else "."),
        figure=figure,
        key=looks.key(
            {code: word for code, word in words.items() if any(counts[w][code] for w in ranked)}, dark=asked.dark
        ),
        table=tuple(
            {"Who": _name(asked, who)}
            | {
                word: Cell(
                    f"{counts[who][code]:,}",
                    to_text(pick("decided", asked.frame, agent=who, what=code)) if counts[who][code] else "",
                )
                for code, word in words.items()
            }
            | {
                "All": Cell(f"{sizes[who]:,}", to_text(pick("decided", asked.frame, agent=who))),
                "Against the policy": Cell(
                    f"{counts[who]['overridden']:,}",
                    to_text(pick("decided", asked.frame, "overridden", agent=who)) if counts[who]["overridden"] else "",
                ),
                "Median time": span_text(times[who][0]) if who in times else "–",
            }
            for who in ranked
        ),
        note=f"Of {many(whole, 'decision')} that took effect, by who made them. The time runs from the claim to its "
        "decision, so it also holds what others took; fewer than "
        f"{FEW} decisions say little of anybody.",
        picks=picks.found,
    )


def _name(asked: Asked, who: str) -> str:
    return looks.safe(asked.names.get(int(who or 0), "nobody"))


def _end(times: dict[str, tuple[int, int]], who: str, rate: Rate) -> str:
    few = " (few)" if rate.whole < FEW else ""
    time = f", median {span_text(times[who][0])}" if who in times else ""
    over = f", {rate.part:,} against the policy" if rate.part else ""
    return f" {rate.whole:,}{few}{time}{over}"
