"""Rows of a file that cannot come in, mended in a table and looked at again at once.

Text of the file is shown in the table and as plain text only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from refundcore import intake
from refundcore.desk.show import count_text, fact_label
from refundcore.desk.uploading import height
from refundcore.intake import Plan, Preview

WHICH = {
    "good": "All good rows, those mended here included",
    "file": "Only the rows that were good in the file",
    "whole": "All rows or none",
}
"""Which rows an import takes."""

GOOD = "✓ Can come in now"
_LINE, _WRONG = "line", "wrong"


@dataclass(frozen=True)
class Chosen:
    """What the person did with the rows that could not come in."""

    rows: Mapping[int, tuple[str, ...]]
    """The rows that were changed, by line: what the import takes in place of those of the file."""
    left: int
    """How many rows would still be left out."""
    whole: bool = False
    """Whether nothing is to come in while a row is left out."""


def mend(found: Preview, plan: Plan) -> Chosen:
    """Offer the rows that cannot come in to be mended, and ask which rows are to be imported."""
    if not found.rejects:
        return Chosen({}, found.rejected)
    key = f"upload_mend_{plan.look.sha256[:12]}_{plan.look.reading}"
    names = _names(found, plan)
    changed = _changed(found, st.session_state.get(key, {}).get("edited_rows", {}), len(names))
    cells = {row.line: changed.get(row.line, tuple(row.cells)) for row in found.rejects}
    batch = intake.recheck(plan, cells)
    good = set(batch.lines) & changed.keys()
    mended = len(good)
    with st.expander("Mend the rows that would be left out", icon=":material/build:", expanded=True):
        more = "" if len(cells) == found.rejected else f"The first {len(cells):,} of {found.rejected:,} are here. "
        st.text(
            f"{more}Correct a cell and the row is looked at again at once. "
            "Or import the good rows, download the others with the reasons, and bring them again when they are mended."
        )
        st.data_editor(
            _table(found, _wrong(batch, plan), good, names),
            key=key,
            hide_index=True,
            num_rows="fixed",
            disabled=[_LINE, _WRONG],
            height=height(len(cells), most=460),
            column_order=[_LINE, _WRONG, *_faulty_first(found, plan, names)],
            column_config={
                _LINE: st.column_config.NumberColumn("Line", width="small", pinned=True),
                _WRONG: st.column_config.TextColumn("What is wrong", width=430, pinned=True),
                **{f"c{place}": st.column_config.TextColumn(name or f"column {place + 1}") for place, name in names},
            },
        )
    left = found.rejected - mended
    told = f"{count_text(mended, 'row')} mended here can come in; " if changed else ""
    st.text(f"{told}{count_text(left, 'row')} would be left out.")
    which = st.radio(
        "Which rows to import", list(WHICH), format_func=lambda code: WHICH[code], key="upload_which", horizontal=True
    )
    if which == "file":
        return Chosen({}, found.rejected)
    return Chosen(changed, left, which == "whole")


def _names(found: Preview, plan: Plan) -> list[tuple[int, str]]:
    """The columns of the table: those of the file, and further ones for rows with cells too many."""
    width = max([len(plan.header), *(len(row.cells) for row in found.rejects)])
    return [(place, plan.names[place] if place < len(plan.names) else "") for place in range(width)]


def _changed(found: Preview, edits: Mapping[Any, Mapping[str, Any]], width: int) -> dict[int, tuple[str, ...]]:
    """The rows that were edited, as they are now; one that was emptied altogether stays as it was."""
    changed = {}
    for number, edit in edits.items():
        if not 0 <= int(number) < len(found.rejects):
            continue
        row = found.rejects[int(number)]
        cells = [*row.cells, *[""] * (width - len(row.cells))]
        for name, value in edit.items():
            if name.startswith("c") and int(name[1:]) < width:
                cells[int(name[1:])] = "" if value is None else str(value)
        while len(cells) > len(row.cells) and not cells[-1]:
            cells.pop()
        if any(cell.strip() for cell in cells) and cells != row.cells:
            changed[row.line] = tuple(cells)
    return changed


def _faulty_first(found: Preview, plan: Plan, names: Sequence[tuple[int, str]]) -> list[str]:
    """The columns in their order, those in which something was wrong before the others."""
    columns = {fact: name for name, fact in plan.mapping.items()}
    faulty = {
        columns.get(problem.column, "")
        for problem in intake.recheck(plan, {row.line: row.cells for row in found.rejects}).problems
        if problem.fatal
    }
    return [f"c{place}" for place, _ in sorted(names, key=lambda one: (one[1] not in faulty, one[0]))]


def _wrong(batch: intake.Batch, plan: Plan) -> dict[int, str]:
    """What is wrong with each row, naming the column of the file that is wrong."""
    columns = {fact: name for name, fact in plan.mapping.items()}
    said: dict[int, list[str]] = {}
    for problem in batch.problems:
        if problem.fatal:
            column = columns.get(problem.column, "")
            where = f"“{column}” ({fact_label(problem.column)}): " if column else ""
            said.setdefault(problem.line, []).append(f"{where}{problem.sentence}")
    return {line: " ".join(sentences) for line, sentences in said.items()}


def _table(found: Preview, wrong: Mapping[int, str], good: set[int], names: Sequence[tuple[int, str]]) -> pd.DataFrame:
    """The rows as they stand in the file: the person's changes lie over them in the browser."""
    rows = found.rejects
    told = [
        GOOD if row.line in good else wrong.get(row.line, "This is a total or a header, and no row.") for row in rows
    ]
    columns: dict[str, list[Any]] = {_LINE: [row.line for row in rows], _WRONG: told}
    for place, _ in names:
        columns[f"c{place}"] = [row.cells[place] if place < len(row.cells) else "" for row in rows]
    return pd.DataFrame(columns)
