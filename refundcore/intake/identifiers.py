"""References as spreadsheets leave them: guarded as `="00123"`, with a `.0` at the end, or damaged for good."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from refundcore.intake import cells
from refundcore.intake.cells import Column, Fault, Read, Reader

REFERENCES = ("claim_ref", "order_ref", "item_ref")
KEYS = (*REFERENCES, "customer_email")
"""Texts that are compared with each other, so that blanks around them don't count."""

DAMAGED = "was shortened by a spreadsheet and cannot be recovered; take the reference from the source"

_SCIENTIFIC = r"^\d(?:[.,]\d+)?E\+\d+$"
_WHOLE, _FLOAT = re.compile(r"\d+"), re.compile(r"\d+\.0+")


@dataclass
class Evidence:
    """What a column of references shows: whole numbers, such with `.0`, damaged ones, and anything else."""

    whole: int = 0
    floats: int = 0
    damaged: int = 0
    others: int = 0
    other: str = ""

    def add(self, texts: Sequence[str]) -> None:
        """Take more rows of the column into account."""
        for text in texts:
            if not text:
                continue
            if _WHOLE.fullmatch(text):
                self.whole += 1
            elif _FLOAT.fullmatch(text):
                self.floats += 1
            elif re.match(_SCIENTIFIC, text):
                self.damaged += 1
            else:
                self.others += 1
                self.other = self.other or text

    @property
    def odd(self) -> str:
        """The one or other reference that is unlike hundreds of numbers; empty where there is none."""
        return self.other if 0 < self.others * 200 <= self.whole else ""

    @property
    def floated(self) -> bool:
        """Whether the column was made floating: numbers throughout, some of them with `.0`."""
        return bool(self.floats) and not self.others


def unguarded(texts: pa.StringArray) -> pa.StringArray:
    """Texts without a spreadsheet's guard, `="..."`; nothing is evaluated."""
    if not pc.any(pc.starts_with(texts, '="')).as_py():
        return texts
    return pc.replace_substring_regex(texts, r'^="([^"]*)"\s*$', r"\1")


def reader(*, floated: bool) -> Reader:
    """A reader of a column of references; with `floated`, `.0` is taken off."""

    def read(column: Column) -> Read:
        texts = column.texts
        if floated:
            texts = pc.replace_substring_regex(texts, r"^(\d+)\.0+$", r"\1")
        result = cells.read_text(Column(column.fact, texts, column.filled, column.zone))
        if column.fact.name not in REFERENCES:
            return result
        damaged = np.asarray(pc.match_substring_regex(texts, _SCIENTIFIC))
        if damaged.any():
            texts_read = result.columns[column.fact.name]
            result.columns[column.fact.name] = pc.if_else(pa.array(~damaged), texts_read, pa.scalar(None, pa.string()))
            result.faults.append(Fault(np.flatnonzero(damaged), DAMAGED))
        return result

    return read
