"""The upload page's first half: what a file is, what its columns mean, and what it leaves to be asked.

Text of the file is shown in tables and as plain text only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import pandas as pd
import streamlit as st

from refundcore import intake
from refundcore.desk import acts, context
from refundcore.desk.show import CODES, count_text, plain, when_text
from refundcore.facts import BY_NAME, FACTS
from refundcore.intake import Plan, Source, Wishes
from refundcore.store import imports

FORM = "upload"
LARGEST = 50
"""Megabytes that a browser may send; larger files come in by the command line."""
LIMITS = (
    f"Up to {LARGEST} MB here, workbooks up to {intake.WORKBOOK_ROWS:,} rows; larger files as CSV by the command line"
    " (refund-desk import FILE)."
)

NOT_USED = "– not used –"
_ROW, _FRAME = 31, 2
_LABELS = {fact.label: fact.name for fact in FACTS}
_CONSTANTS = {"currency": "Currency", "reason": "Reason", "channel": "Channel"}

Made = TypeVar("Made")


def chooser() -> Source | None:
    """Ask for a file."""
    given = st.file_uploader(
        "A file of claims, one claim a row: CSV or other text of separated values, or an Excel workbook (.xlsx);"
        " or mail (.eml, .mbox)",
        key="upload_file",
        max_upload_size=LARGEST,
        help="Larger files come in by the command line: refund-desk import FILE",
    )
    if given is None:
        st.session_state.pop("upload_made", None)
        return None
    return intake.source(given.getvalue(), given.name)


def understood(file: Source) -> Plan | None:
    """Show what the file is and settle with the person how it is read; None where it cannot be."""
    zone = context.policy().zone
    answers = dict(st.session_state.get("upload_answers", {}))
    base = made("base", (answers,), lambda: _base(file, zone, answers))
    if base is None:
        return None
    first, kept = base
    _what_it_is(first, kept is not None)
    changed = {name: fact for name, fact in _columns(first).items() if fact != first.mapping.get(name, "")}
    wishes = Wishes({**((kept and kept.mapping) or {}), **changed}, {}, {}, answers)
    mapped = {fact for name, fact in first.mapping.items() if name not in changed} | set(changed.values())
    wishes = replace(wishes, constants=_constants(first, mapped, kept))
    drafted = made("draft", (wishes,), lambda: intake.plan(file, zone=zone, wishes=wishes))
    if drafted is None:
        return None
    final = replace(wishes, meanings=_meanings(drafted, kept))
    plan = made("plan", (final,), lambda: intake.plan(file, zone=zone, wishes=final))
    if plan is None:
        return None
    _questions(plan, answers)
    if answers and st.button(
        "Answer anew how the file is read", key="upload_anew", icon=":material/undo:", type="tertiary"
    ):
        forget_answers()
        st.rerun()
    for sentence in plan.blockers:
        st.warning(plain(sentence), icon=":material/link_off:")
    if plan.notices:
        st.text("\n".join(f"· {sentence}" for sentence in plan.notices))
    return plan


def _base(file: Source, zone: str, answers: dict[str, str]) -> tuple[Plan, Wishes | None]:
    """The plan as proposed, or as remembered for files of this header."""
    first = intake.plan(file, zone=zone, wishes=Wishes(answers=answers))
    kept = intake.remembered(context.store(), first)
    if kept is None:
        return first, None
    known = replace(kept, meanings={}, constants={}, answers=answers)
    return intake.plan(file, zone=zone, wishes=known), kept


def made(name: str, of: tuple[Any, ...], make: Callable[[], Made]) -> Made | None:
    """What `make` makes, made once for the same file and wishes; a refusal is shown, and None given."""
    kept: dict[str, tuple[Any, Any]] = st.session_state.setdefault("upload_made", {})
    key = (st.session_state["upload_file"].file_id, repr(of))
    if name not in kept or kept[name][0] != key:
        result = acts.attempt(make, f"{FORM}_{name}")
        if result is None:
            acts.refusals(f"{FORM}_{name}")
            return None
        kept[name] = (key, result)
    return kept[name][1]


def _what_it_is(plan: Plan, remembered: bool) -> None:  # noqa: FBT001 - one of two sentences
    again = next(
        (one for one in acts.read(imports) if one.sha256 == plan.look.sha256 and one.status == "finished"), None
    )
    st.text(f"{plan.look.name} ({size_text(plan.look.size)}): {plan.kind}.")
    if again:
        when = f"This very file was imported by {again.person} on {when_text(again.started_at)}."
        st.info(f"{plain(when)} Importing it again creates nothing new.", icon=":material/content_copy:")
    elif remembered:
        st.text("The columns are read as in the last file with this header.")


def size_text(count: int) -> str:
    """A number of bytes as people read it."""
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{max(1, round(count / 1e3)):,} kB"


# Columns, constants, the file's own words, questions.


def _columns(plan: Plan) -> dict[str, str]:
    """The table of columns, each with what it means; the mapping as it stands after the person's changes."""
    st.subheader("Columns", anchor=False)
    table = pd.DataFrame(
        {
            "Column": list(plan.names),
            "Means": [BY_NAME[plan.mapping[name]].label if name in plan.mapping else NOT_USED for name in plan.names],
            "For example": ["  |  ".join(plan.samples.get(name, ())) for name in plan.names],
            "Note": [plan.ignored.get(name, "") for name in plan.names],
        }
    )
    shown = st.data_editor(
        table,
        key=f"upload_columns_{plan.look.sha256[:12]}_{plan.look.reading}",
        hide_index=True,
        disabled=["Column", "For example", "Note"],
        height=height(len(table), most=420),
        column_config={
            "Column": st.column_config.TextColumn("Column in the file", width="medium"),
            "Means": st.column_config.SelectboxColumn(
                "Means", options=[NOT_USED, *_LABELS], required=True, width="medium"
            ),
            "For example": st.column_config.TextColumn(width="large"),
            "Note": st.column_config.TextColumn(width="medium"),
        },
    )
    return {name: _LABELS.get(means, "") for name, means in zip(shown["Column"], shown["Means"], strict=True)}


def height(rows: int, *, most: int) -> int:
    """The height of a table of so many rows, in pixels: no empty lines below the last."""
    return min(_ROW * (rows + 1) + _FRAME, most)


def _constants(plan: Plan, mapped: set[str], kept: Wishes | None) -> dict[str, str]:
    """What is the same in all rows, for facts that no column is."""
    missing = {fact: label for fact, label in _CONSTANTS.items() if fact not in mapped}
    if not missing:
        return {}
    chosen: dict[str, str] = {}
    amounts_alone = "currency" in missing and any(BY_NAME[fact].kind == "money" for fact in mapped if fact)
    with st.expander(
        "Not in the file, but the same in all rows",
        icon=":material/format_list_bulleted_add:",
        expanded=amounts_alone and not (kept and kept.constants),
    ):
        for place, (fact, label) in zip(st.columns(len(missing)), missing.items(), strict=True):
            options = list(BY_NAME[fact].codes) or list(_currencies())
            before = (kept.constants if kept else {}).get(fact)
            value = place.selectbox(
                label,
                options,
                index=options.index(before) if before in options else None,
                format_func=lambda code: CODES.get(code, code),
                placeholder="unknown",
                key=f"upload_constant_{fact}_{plan.look.sha256[:12]}",
            )
            if value:
                chosen[fact] = value
    return chosen


def _currencies() -> tuple[str, ...]:
    from refundcore.money import EXPONENTS  # noqa: PLC0415 - needed by this list alone

    usual = ("USD", "EUR", "GBP", "JPY")
    return (*usual, *(code for code in sorted(EXPONENTS) if code not in usual))


def _meanings(plan: Plan, kept: Wishes | None) -> dict[str, dict[str, str]]:
    """What the file's own words for codes stand for."""
    meanings: dict[str, dict[str, str]] = {}
    for fact, code in plan.codes.items():
        if not code.strange:
            continue
        before = (kept.meanings if kept else {}).get(fact, {})
        labels = {CODES.get(name, name): name for name in BY_NAME[fact].codes}
        nothing = "– unknown –" if code.left_unknown else "– leave these rows out –"
        table = pd.DataFrame(
            {
                "In the file": list(code.strange),
                "Rows": [code.counts.get(text, 0) for text in code.strange],
                "Stands for": [
                    CODES.get(before[text], before[text]) if text in before else nothing for text in code.strange
                ],
            }
        )
        with st.expander(
            f"{BY_NAME[fact].label}: {count_text(len(code.strange), 'value')} to be told", icon=":material/translate:"
        ):
            shown = st.data_editor(
                table,
                key=f"upload_values_{fact}_{plan.look.sha256[:12]}_{plan.look.reading}",
                hide_index=True,
                disabled=["In the file", "Rows"],
                height=height(len(table), most=320),
                column_config={
                    "In the file": st.column_config.TextColumn(width="large"),
                    "Stands for": st.column_config.SelectboxColumn(
                        options=[nothing, *labels], required=True, width="medium"
                    ),
                },
            )
        told = {
            text: labels[means]
            for text, means in zip(shown["In the file"], shown["Stands for"], strict=True)
            if means in labels
        }
        if told:
            meanings[fact] = told
    return meanings


def _questions(plan: Plan, answers: dict[str, str]) -> None:
    """Ask what the file does not settle; an answer is kept and the file read anew."""
    for question in plan.questions:
        with st.container(border=True):
            st.text(question.text)
            labels = {option.value: option.label for option in question.options}
            for option in question.options:
                if option.sample:
                    st.text(f"{option.label}:")
                    st.code("\n".join(option.sample), language=None)
            answer = st.radio(
                "Answer",
                list(labels),
                index=None,
                format_func=_plainly(labels),
                key=f"upload_answer_{question.key}_{plan.look.sha256[:12]}",
                label_visibility="collapsed",
            )
        if answer:
            st.session_state["upload_answers"] = {**answers, question.key: answer}
            st.rerun()


def _plainly(labels: Mapping[str, str]) -> Callable[[str], str]:
    return lambda value: plain(labels[value])


def forget_answers() -> None:
    """Ask anew: another file was chosen."""
    st.session_state.pop("upload_answers", None)
