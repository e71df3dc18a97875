"""Figures of a backtest: the flow from old to new verdicts, and what each value of a number would have done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from refundcore.charts.looks import FONT, QUIET, TEXT, colour, framed

FEW_TICKS = 8
"""So few whole numbers have a line each."""


def flow(pairs: Mapping[tuple[str, str], int], words: Mapping[str, str], *, dark: bool) -> go.Figure:
    """The flipped claims from their verdict before, at the left, to that after, at the right."""
    before = list(dict.fromkeys(old for old, _ in pairs))
    after = list(dict.fromkeys(new for _, new in pairs))
    total_of = [sum(count for (old, _), count in pairs.items() if old == name) for name in before]
    total_to = [sum(count for (_, new), count in pairs.items() if new == name) for name in after]
    labels = [
        *(f"{words[name]}  {count:,}" for name, count in zip(before, total_of, strict=True)),
        *(f"{words[name]}  {count:,}" for name, count in zip(after, total_to, strict=True)),
    ]
    figure = go.Figure(
        go.Sankey(
            arrangement="snap",
            textfont={"color": TEXT[dark], "size": 13, "family": FONT, "shadow": "none"},
            node={
                "label": labels,
                "color": [colour(name, dark=dark) for name in (*before, *after)],
                "thickness": 14,
                "pad": 18,
                "line": {"width": 0},
                "hovertemplate": "%{label}<extra></extra>",
            },
            link={
                "source": [before.index(old) for old, _ in pairs],
                "target": [len(before) + after.index(new) for _, new in pairs],
                "value": list(pairs.values()),
                "color": [_clear(colour(new, dark=dark)) for _, new in pairs],
                "customdata": [f"{words[old]} to {words[new]}" for old, new in pairs],
                "hovertemplate": "%{customdata}: %{value:,}<extra></extra>",
            },
        )
    )
    return framed(figure, 60 + 46 * max(len(before), len(after), 2), dark=dark)


def _clear(code: str) -> str:
    red, green, blue = (int(code[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.32)"


def curve(
    values: Sequence[float],
    lines: Mapping[str, Sequence[float]],
    *,
    now: float | None,
    unit: str,
    dark: bool,
) -> go.Figure:
    """One line a code over the values of a number; the present value is marked."""
    figure = go.Figure()
    for place, (name, heights) in enumerate(lines.items()):
        tone = colour(("plain", "review", "need_info", "deny")[place % 4], dark=dark)
        figure.add_scatter(
            x=list(values),
            y=list(heights),
            name=name,
            mode="lines+markers",
            line={"color": tone, "width": 2},
            marker={"size": 6},
            hovertemplate=f"%{{x:g}} {unit}: {name} %{{y:,}}<extra></extra>",
        )
    if now is not None:
        figure.add_vline(x=now, line={"color": QUIET, "dash": "dot", "width": 1.5})
        figure.add_annotation(
            x=now, y=1, yref="paper", text="now", showarrow=False, xshift=16, font={"color": TEXT[dark], "size": 12}
        )
    framed(figure, 300, dark=dark)
    figure.update_layout(showlegend=len(lines) > 1, legend={"orientation": "h", "y": 1.12, "x": 0})
    figure.update_xaxes(title={"text": unit}, dtick=max(1, round((max(values) - min(values)) / 18)))
    spread = max(map(max, lines.values())) - min(0, *map(min, lines.values()))
    figure.update_yaxes(tickformat=",~r" if spread < FEW_TICKS else ",d", rangemode="tozero")
    if spread < FEW_TICKS and all(float(height).is_integer() for heights in lines.values() for height in heights):
        figure.update_yaxes(dtick=1)
    return figure
