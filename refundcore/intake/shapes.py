"""Texts of one column sorted by their shape, so that a whole column is read digit by digit at once.

The *shape* of a text is its bytes with every digit written as 0: `2024-05-06` and `2023-11-30` have the shape
`0000-00-00`. A column of dates or amounts has few shapes, whatever its length; each is understood once, and the
digits of all its texts are then taken from the same places of a matrix of bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

LONGEST = 64
"""A date or an amount is never longer, in bytes."""

ZERO, NINE = ord("0"), ord("9")

_PEELS = 8

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Shaped:
    """All texts of one shape: their row numbers, and their bytes as a matrix with one text a row."""

    shape: bytes
    rows: Rows
    matrix: npt.NDArray[np.uint8]

    def number(self, start: int, end: int) -> Rows:
        """The digits in the places `start` to `end` as whole numbers; at most 18 of them."""
        total = np.zeros(len(self.rows), dtype=np.int64)
        for place in range(start, end):
            total = total * 10 + (self.matrix[:, place] - ZERO)
        return total

    def digits(self, places: list[int]) -> Rows:
        """As `number`, of digits that need not stand side by side."""
        total = np.zeros(len(self.rows), dtype=np.int64)
        for place in places:
            total = total * 10 + (self.matrix[:, place] - ZERO)
        return total

    def any_but_zero(self, places: list[int]) -> npt.NDArray[np.bool_]:
        """Whether any of these digits is not 0, one answer a row."""
        return (self.matrix[:, places] != ZERO).any(axis=1)


def by_shape(texts: pa.StringArray, rows: Rows) -> Iterator[Shaped]:
    """The texts in `rows`, one group a shape. Texts longer than `LONGEST` come as one group without a shape."""
    _, offset_buffer, data_buffer = texts.buffers()
    if not len(rows) or data_buffer is None:
        return
    offsets = np.frombuffer(offset_buffer, dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1].astype(
        np.int64
    )
    data = np.frombuffer(data_buffer, dtype=np.uint8)
    starts = offsets[rows]
    lengths = offsets[rows + 1] - starts
    if (long := lengths > LONGEST).any():
        yield Shaped(b"", rows[long], np.zeros((int(long.sum()), 0), dtype=np.uint8))
    for length in np.unique(lengths[~long]).tolist():
        here = lengths == length
        matrix = data[starts[here][:, None] + np.arange(length)]
        yield from _of_one_length(rows[here], matrix)


def _of_one_length(rows: Rows, matrix: npt.NDArray[np.uint8]) -> Iterator[Shaped]:
    masked = np.where((matrix >= ZERO) & (matrix <= NINE), np.uint8(ZERO), matrix)
    for _ in range(_PEELS):
        same = (masked == masked[0]).all(axis=1)
        yield Shaped(masked[0].tobytes(), rows[same], matrix[same])
        if same.all():
            return
        rows, matrix, masked = rows[~same], matrix[~same], masked[~same]
    shapes = np.ascontiguousarray(masked).view(f"S{masked.shape[1]}").ravel()
    distinct, which = np.unique(shapes, return_inverse=True)
    order = np.argsort(which, kind="stable")
    ends = np.cumsum(np.bincount(which, minlength=len(distinct)))
    for number, end in enumerate(ends.tolist()):
        members = order[(ends[number - 1] if number else 0) : end]
        yield Shaped(masked[members[0]].tobytes(), rows[members], matrix[members])
