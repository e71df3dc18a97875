"""The upload page's second half: what a file would bring, and its way into the store.

Nothing is stored before “Import”. The import itself runs beside the page, once for each upload however often the button
is clicked, and goes on when the page is left. Text of the file is shown in tables and as plain text only.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import streamlit as st

from refundcore import intake
from refundcore.desk import acts, context, differences, mending, uploading
from refundcore.desk.imports_so_far import PARTS, counted, download, parts
from refundcore.desk.show import VERDICTS, count_text, plain, value_text
from refundcore.facts import BY_NAME, FACTS
from refundcore.intake import Plan, Preview, Source
from refundcore.store import Balance, Person

_SEEN_ROWS, _KEPT_JOBS = 12, 200
_PAUSE = 0.15
"""Seconds between two looks at how far the import is."""


def previewed(file: Source, plan: Plan) -> Preview | None:
    """Read all of the file by the plan and judge it, storing nothing."""
    policy, store = context.policy(), context.store()
    key = (plan.mapping, plan.constants, plan.meanings, plan.answers)
    with st.spinner("Reading and judging the rows ..."):
        return uploading.made("preview", key, lambda: intake.preview(file, plan, policy, context.now_us(), store=store))


def show(found: Preview) -> None:
    """What would come in: counts, verdicts, problems by kind, and the first rows as they would be stored."""
    st.subheader("What would come in", anchor=False)
    part = "" if found.complete else " (of the first rows; all are read at the import)"
    left = f"; {count_text(found.rejected, 'row')} cannot be read and would be left out" if found.rejected else ""
    st.text(f"{count_text(found.usable, 'claim')} of {count_text(found.rows, 'row')}{part}{left}.")
    if said := meeting(found.meeting):
        st.text(said)
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


def meeting(found: intake.Meeting) -> str:
    """What the rows meet in the desk and among themselves, where that isn't simply new claims."""
    told = [
        f"{count:,} {what}"
        for count, what in (
            (found.new, "new"),
            (found.unchanged, "here already with the same facts"),
            (found.differing, "here with other facts"),
            (found.repeated, "said twice in the file"),
            (found.contradicting, "contradicting an earlier row of the file, and left out with that reason"),
        )
        if count
    ]
    return f"Of these: {'; '.join(told)}." if told and (len(told) > 1 or not found.new) else ""


def _problems(found: Preview) -> None:
    st.markdown("**What is wrong or worth a look**")
    st.dataframe(
        pd.DataFrame(
            {
                "Rows": [group.count for group in found.groups],
                "Effect": ["left out" if group.fatal else "noted" for group in found.groups],
                "Column": [group.column or "the row" for group in found.groups],
                "What": [group.first.sentence for group in found.groups],
                "First in line": [group.first.line for group in found.groups],
            }
        ),
        hide_index=True,
        height="content",
        key="upload_groups",
        column_config={
            **counted("Rows", "First in line"),
            "Effect": st.column_config.TextColumn(width="small"),
            "What": st.column_config.TextColumn(width="large"),
        },
    )
    with st.expander(f"Line by line, the first {len(found.problems):,}"):
        st.dataframe(
            pd.DataFrame({"Line": [p.line for p in found.problems], "What": [str(p) for p in found.problems]}),
            hide_index=True,
            key="upload_problems",
        )


def _first_rows(frame: pd.DataFrame) -> pd.DataFrame:
    names = [fact.name for fact in FACTS if fact.name in frame]
    rows: list[dict[str, Any]] = frame.head(_SEEN_ROWS).to_dict("records")  # type: ignore[assignment]  # keys are names
    return pd.DataFrame({BY_NAME[name].label: [value_text(name, row, unknown="") for row in rows] for name in names})


# The import.


@dataclass(frozen=True)
class Wanted:
    """What the person chose beyond the plan: rows as they were mended, and claims that the file may change."""

    mended: Mapping[int, Sequence[str]] = field(default_factory=dict)
    confirmed: Mapping[int, int] = field(default_factory=dict)

    @property
    def mark(self) -> str:
        """Tells this choice from another."""
        return hashlib.sha256(repr((sorted(self.mended.items()), sorted(self.confirmed.items()))).encode()).hexdigest()


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


def offered(me: Person, file: Source, plan: Plan, found: Preview | None) -> None:
    """What may still be chosen, the button, the progress, and the balance."""
    chosen, wanted = mending.Chosen({}, 0), Wanted()
    if found is not None and plan.ready:
        chosen = mending.mend(found, plan)
        wanted = Wanted(chosen.rows, differences.confirm(found.meeting, plan))
    waiting = ""
    if not plan.ready:
        waiting = "Something above is still to be settled."
    elif chosen.whole and chosen.left:
        waiting = f"{count_text(chosen.left, 'row')} would be left out, and you chose all rows or none."
    pressed = st.button(
        "Import",
        type="primary",
        key="upload_import",
        icon=":material/download:",
        disabled=bool(waiting),
        help=waiting or None,
    )
    key = f"{me.id} {st.session_state['upload_file'].file_id} {wanted.mark} {plan.remembered()!r} {plan.answers!r}"
    if pressed and not waiting:
        _start(key, me, file, plan, wanted)
    job = _jobs.get(key)
    if job is None:
        return
    _wait(job, plan.look.name)
    if job.error is not None:
        acts.attempt(lambda: _raise(job.error), uploading.FORM)
        with _starting:
            _jobs.pop(key, None)
    acts.refusals(uploading.FORM)
    if job.balance is not None:
        _told(job.number, job.balance)


def _start(key: str, me: Person, file: Source, plan: Plan, wanted: Wanted) -> None:
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
                file, plan, store, actor=me.id, at=at, progress=follow, mended=wanted.mended, confirmed=wanted.confirmed
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
    if balance.rejected + balance.conflicting:
        st.warning(
            plain(f"{intake.sentence(balance)} The rows left out can be downloaded with their reasons."),
            icon=":material/rule:",
        )
    else:
        st.success(plain(intake.sentence(balance)), icon=":material/task_alt:")
    st.dataframe(
        parts([balance]), hide_index=True, height="content", key="upload_balance", column_config=counted(*PARTS)
    )
    with st.container(horizontal=True, gap="small"):
        if balance.created and st.button("Show these claims", key="upload_show", icon=":material/inbox:"):
            st.switch_page("pages/queue.py", query_params={"imported": str(number), "state": "all"})
        if balance.rejected + balance.conflicting:
            download(number, "upload_rejects")
