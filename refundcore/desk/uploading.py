"""The upload page's parts: what a file is, what its columns mean, what it would bring, and its way into the store.

Nothing is stored before “Import”. The import itself runs beside the page, once for each upload however often the button
is clicked, and goes on when the page is left. Text of the file is shown in tables and as plain text only.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import pandas as pd
import streamlit as st

from refundcore import intake
from refundcore.desk import acts, context
from refundcore.desk.show import CODES, VERDICTS, count_text, plain, value_text, when_text
from refundcore.facts import BY_NAME, FACTS
from refundcore.intake import IntakeError, Plan, Preview, Source, Wishes
from refundcore.store import Balance, Person, imports

FORM = "upload"
LARGEST = 50
"""Megabytes that a browser may send; larger files come in by the command line."""

NOT_USED = "– not used –"
_LABELS = {fact.label: fact.name for fact in FACTS}
_CONSTANTS = {"currency": "Currency", "reason": "Reason", "channel": "Channel"}
_SEEN_ROWS, _KEPT_JOBS = 12, 200
_PAUSE = 0.15

Made = TypeVar("Made")


def chooser() -> Source | None:
    """Ask for a file."""
    given = st.file_uploader(
        "A file of claims, one claim a row (CSV or other text of separated values)",
        key="upload_file",
        max_upload_size=LARGEST,
        help="Larger files come in by the command line: refund-desk import FILE",
    )
    if given is None:
        st.session_state.pop("upload_made", None)
        return None
    return intake.source(given.getvalue(), given.name)


def understood(me: Person, file: Source) -> Plan | None:
    """Show what the file is and settle with the person how it is read; None where it cannot be."""
    zone = context.policy().zone
    answers = dict(st.session_state.get("upload_answers", {}))
    base = _attempt("base", (answers,), lambda: _base(file, zone, answers))
    if base is None:
        return None
    first, kept = base
    _what_it_is(first, kept is not None)
    wishes = Wishes(_columns(first), {}, {}, answers)
    wishes = replace(wishes, constants=_constants(first, wishes, kept))
    drafted = _attempt("draft", (wishes,), lambda: intake.plan(file, zone=zone, wishes=wishes))
    if drafted is None:
        return None
    values = _values(drafted, kept)
    plan = _attempt(
        "plan", (wishes, values), lambda: intake.plan(file, zone=zone, wishes=replace(wishes, values=values))
    )
    if plan is None:
        return None
    _questions(plan, answers)
    for sentence in plan.blockers:
        st.warning(plain(sentence), icon=":material/link_off:")
    for sentence in plan.notices:
        st.text(f"· {sentence}")
    return plan


def _base(file: Source, zone: str, answers: dict[str, str]) -> tuple[Plan, Wishes | None]:
    """The plan as proposed, or as remembered for files of this header."""
    own = {key: value for key, value in answers.items() if not key.startswith("column:")}
    first = intake.plan(file, zone=zone, wishes=Wishes(answers=own))
    kept = intake.remembered(context.store(), first)
    if kept is None:
        return first, None
    known = replace(kept, values={}, constants={}, answers=own)
    return intake.plan(file, zone=zone, wishes=known), kept


def _attempt(name: str, of: tuple[Any, ...], make: Callable[[], Made]) -> Made | None:
    """What `make` makes, made once for the same file and wishes; a refusal is shown, and None given."""
    made: dict[str, tuple[Any, Any]] = st.session_state.setdefault("upload_made", {})
    key = (st.session_state["upload_file"].file_id, repr(of))
    if name not in made or made[name][0] != key:
        result = acts.attempt(make, f"{FORM}_{name}")
        if result is None:
            acts.refusals(f"{FORM}_{name}")
            return None
        made[name] = (key, result)
    return made[name][1]  # type: ignore[no-any-return]  # what was made for this name


def _what_it_is(plan: Plan, remembered: bool) -> None:  # noqa: FBT001 - one of two sentences
    again = next(
        (one for one in acts.read(imports) if one.sha256 == plan.look.sha256 and one.status == "finished"), None
    )
    st.text(f"{plan.look.name} ({_size(plan.look.size)}): {plan.kind}.")
    if again:
        who = plain(again.person)
        st.info(
            f"This very file was imported by {who} on {plain(when_text(again.started_at))}. Importing it again creates nothing new.",
            icon=":material/content_copy:",
        )
    elif remembered:
        st.text("The columns are read as in the last file with this header.")


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{max(1, round(count / 1e3)):,} kB"  # noqa: PLR2004 - a megabyte


# Columns, constants, values, questions.


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
        key=f"upload_columns_{plan.look.sha256[:12]}_{plan.look.encoding}",
        hide_index=True,
        disabled=["Column", "For example", "Note"],
        height=min(36 * (len(table) + 1), 420),
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


def _constants(plan: Plan, wishes: Wishes, kept: Wishes | None) -> dict[str, str]:
    """What is the same in all rows, for facts that no column is."""
    mapped = set((wishes.mapping or {}).values())
    missing = {fact: label for fact, label in _CONSTANTS.items() if fact not in mapped}
    if not missing:
        return {}
    chosen: dict[str, str] = {}
    with st.expander("Not in the file, but the same in all rows", icon=":material/format_list_bulleted_add:"):
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


def _values(plan: Plan, kept: Wishes | None) -> dict[str, dict[str, str]]:
    """What the file's own words for codes stand for."""
    values: dict[str, dict[str, str]] = {}
    for fact, code in plan.codes.items():
        if not code.strange:
            continue
        before = (kept.values if kept else {}).get(fact, {})
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
                key=f"upload_values_{fact}_{plan.look.sha256[:12]}_{plan.look.encoding}",
                hide_index=True,
                disabled=["In the file", "Rows"],
                height=min(36 * (len(table) + 1), 320),
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
            values[fact] = told
    return values


def _questions(plan: Plan, answers: dict[str, str]) -> None:
    """Ask what the file does not settle; an answer is kept and the file read anew."""
    for question in plan.questions:
        if question.key.startswith("column:"):
            st.warning(
                f"{plain(question.text)} Choose in the table: set the others to “{NOT_USED}”.", icon=":material/help:"
            )
            continue
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
                format_func=lambda value, labels=labels: plain(labels[value]),  # type: ignore[misc]
                key=f"upload_answer_{question.key}_{plan.look.sha256[:12]}",
                label_visibility="collapsed",
            )
        if answer:
            st.session_state["upload_answers"] = {**answers, question.key: answer}
            st.rerun()


def forget_answers() -> None:
    """Ask anew: another file was chosen."""
    st.session_state.pop("upload_answers", None)


# What would come in.


def previewed(file: Source, plan: Plan) -> Preview | None:
    """Read all of the file by the plan and judge it, storing nothing."""
    policy = context.policy()
    key = (plan.mapping, plan.constants, plan.values, plan.answers)
    with st.spinner("Reading and judging the rows ..."):
        return _attempt("preview", key, lambda: intake.preview(file, plan, policy, context.now_us()))


def show(found: Preview) -> None:
    """What would come in: counts, verdicts, problems by kind, and the first rows as they would be stored."""
    st.subheader("What would come in", anchor=False)
    part = "" if found.complete else " (of the first rows; all are read at the import)"
    left = f"; {count_text(found.rejected, 'row')} cannot be read and would be left out" if found.rejected else ""
    st.text(f"{count_text(found.usable, 'claim')} of {count_text(found.rows, 'row')}{part}{left}.")
    with st.container(horizontal=True, gap="small"):
        for verdict, word in VERDICTS.items():
            if count := found.verdicts.get(verdict, 0):
                st.badge(f"{word.label}: {count:,}", icon=f":material/{word.icon}:", color=word.tone, help=word.help)
    for line, why in found.left_out[:5]:
        st.text(f"· Line {line:,} is {why}, and no row.")
    if found.groups:
        _problems(found)
    st.markdown("**The first rows as they would be stored**")
    st.dataframe(_first_rows(found.first), hide_index=True, height="content", key="upload_first")


def _problems(found: Preview) -> None:
    st.markdown("**What is wrong or worth a look**")
    st.dataframe(
        pd.DataFrame(
            {
                "Rows": [group.count for group in found.groups],
                "": ["left out" if group.fatal else "noted" for group in found.groups],
                "Column": [group.column or "the row" for group in found.groups],
                "What": [group.first.sentence for group in found.groups],
                "First in line": [group.first.line for group in found.groups],
            }
        ),
        hide_index=True,
        height="content",
        key="upload_groups",
    )
    with st.expander(f"Line by line, the first {len(found.problems):,}"):
        st.dataframe(
            pd.DataFrame({"Line": [p.line for p in found.problems], "What": [str(p) for p in found.problems]}),
            hide_index=True,
            key="upload_problems",
        )


def _first_rows(frame: pd.DataFrame) -> pd.DataFrame:
    names = [fact.name for fact in FACTS if fact.name in frame]
    rows = frame.head(_SEEN_ROWS).to_dict("records")
    return pd.DataFrame({BY_NAME[name].label: [value_text(name, row, unknown="") for row in rows] for name in names})


# The import.


@dataclass
class Job:
    """One import on its way: how far it is, and what came of it."""

    done: float = 0.0
    rows: int = 0
    number: int = 0
    balance: Balance | None = None
    error: Exception | None = None
    over: threading.Event = field(default_factory=threading.Event)


_jobs: dict[str, Job] = {}
_starting = threading.Lock()


def bring_in(me: Person, file: Source, plan: Plan) -> None:
    """The button, the progress, and the balance."""
    update = st.checkbox(
        "Let rows change open claims of the same reference",
        key="upload_update",
        help="Otherwise a row that differs from a claim that is there is listed as conflicting and changes nothing.",
    )
    pressed = st.button(
        "Import", type="primary", key="upload_import", icon=":material/download:", disabled=not plan.ready
    )
    key = f"{me.id} {st.session_state['upload_file'].file_id} {update} {plan.remembered()!r} {plan.answers!r}"
    if pressed and plan.ready:
        _start(key, me, file, plan, update=update)
    job = _jobs.get(key)
    if job is None:
        return
    _wait(job, plan.look.name)
    if job.error is not None:
        acts.attempt(lambda: _raise(job.error), FORM)
        with _starting:
            _jobs.pop(key, None)
    acts.refusals(FORM)
    if job.balance is not None:
        _told(job.number, job.balance)


def _start(key: str, me: Person, file: Source, plan: Plan, *, update: bool) -> None:
    """Begin the import of this upload, unless it has begun already."""
    with _starting:
        if key in _jobs:
            return
        for old in [name for name, job in _jobs.items() if job.over.is_set()][: max(0, len(_jobs) - _KEPT_JOBS)]:
            del _jobs[old]
        job = _jobs[key] = Job()
    store, at = context.store(), context.now()

    def follow(done: float, rows: int) -> None:
        job.done, job.rows = done, rows

    def work() -> None:
        try:
            job.number, job.balance = intake.bring_in(
                file, plan, store, actor=me.id, at=at, progress=follow, update=update
            )
        except Exception as error:  # noqa: BLE001 - told by the page, which logs what was not expected
            job.error = error
        finally:
            job.over.set()

    threading.Thread(target=work, name="import", daemon=True).start()


def _wait(job: Job, name: str) -> None:
    """Follow the import; leaving the page or clicking again stops only the following."""
    if job.over.is_set():
        return
    bar = st.progress(0.0, text=plain(f"Importing {name} ..."))
    while not job.over.wait(_PAUSE):
        bar.progress(min(job.done, 1.0), text=plain(f"Importing {name}: {count_text(job.rows, 'row')} ..."))
    bar.empty()


def _raise(error: Exception | None) -> None:
    if error is not None:
        raise error


def _told(number: int, balance: Balance) -> None:
    st.success(plain(intake.sentence(balance)), icon=":material/task_alt:")
    st.dataframe(_parts([balance]), hide_index=True, height="content", key="upload_balance")
    with st.container(horizontal=True, gap="small"):
        if balance.created and st.button("Show these claims", key="upload_show", icon=":material/inbox:"):
            st.switch_page("pages/queue.py", query_params={"imported": str(number), "state": "all"})
        if balance.rejected + balance.conflicting:
            _download(number, "upload_rejects")


def _parts(balances: list[Balance]) -> pd.DataFrame:
    names = ("rows", "created", "updated", "unchanged", "duplicates", "conflicting", "rejected")
    return pd.DataFrame({name.title(): [getattr(balance, name) for balance in balances] for name in names})


def _download(number: int, key: str) -> None:
    store = context.store()
    st.download_button(
        "Download the rows that were left out",
        data=lambda: b"".join(intake.rejects_file(store, number)),
        file_name=f"left-out-of-import-{number}.csv",
        mime="text/csv",
        key=key,
        icon=":material/download:",
        on_click="ignore",
        help="With the reason beside each row. Mend them and bring the file again.",
    )


def history() -> None:
    """The imports so far, each with its balance."""
    found = acts.read(imports, 30)
    if not found:
        return
    st.subheader("Imports so far", anchor=False)
    words = {
        "finished": "done",
        "running": "running",
        "finishing": "running",
        "removing": "being taken back",
        "removed": "taken back",
    }
    table = pd.DataFrame(
        {
            "Import": [one.id for one in found],
            "When": [when_text(one.started_at) for one in found],
            "Who": [one.person for one in found],
            "File": [one.filename for one in found],
            "State": [words.get(one.status, one.status) for one in found],
        }
    )
    st.dataframe(
        pd.concat([table, _parts([one.balance for one in found])], axis=1),
        hide_index=True,
        height="content",
        key="upload_history",
    )
    left = {
        one.id: one.filename
        for one in found
        if one.balance.rejected + one.balance.conflicting and one.status == "finished"
    }
    if left:
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            number = st.selectbox(
                "Rows left out of",
                list(left),
                format_func=lambda one: plain(f"import {one}, {left[one]}"),
                key="upload_of",
                width=360,
            )
            _download(number, "upload_history_rejects")


__all__ = ["IntakeError", "bring_in", "chooser", "forget_answers", "history", "previewed", "show", "understood"]
