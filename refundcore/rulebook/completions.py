"""From regions to patterns, and from each pattern to every way of completing what is not known.

An axis is one unknown fact with the values that it can turn out to have; all of them are tried.
The completions of a pattern are the product of its axes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from refundcore.rulebook import known as k
from refundcore.rulebook.known import Codes, Known, Truth
from refundcore.rulebook.reading import UNKNOWN
from refundcore.rulebook.regions import (
    AMOUNT_UNKNOWN,
    AS_TIMING,
    NOTICE_UNKNOWN,
    SIZES,
    TIMING_UNKNOWN,
    Region,
)

MOST_COMPLETIONS = 4_096
"""A pattern with more completions than this is refused: the facts would have to be asked for in parts."""


@dataclass(frozen=True)
class Axis:
    """One unknown: the column and code that stand for it, and the values to try, each as columns to set."""

    name: str
    column: str
    code: int
    tries: tuple[dict[str, int], ...]


def _truth_axis(fact: str, column: str) -> Axis:
    return Axis(fact, column, UNKNOWN, ({column: k.NO}, {column: k.YES}))


TIMING = "timing"
AXES: tuple[Axis, ...] = (
    Axis(
        TIMING,
        "timing",
        TIMING_UNKNOWN,
        ({"timing": k.IN_TIME}, {"timing": k.LATE_FOR_THE_WINDOWS}, {"timing": k.LATE_FOR_ALL}),
    ),
    Axis(
        TIMING,
        "timing",
        NOTICE_UNKNOWN,
        tuple(
            {"timing": timing, "clock_standing": clock, "clock_plain": clock}
            for timing, clock in (
                (k.IN_TIME, k.RUNNING),
                (k.IN_TIME, k.OVER),
                (k.LATE_FOR_THE_WINDOWS, k.OVER),
                (k.LATE_FOR_ALL, k.OVER),
            )
        ),
    ),
    _truth_axis("sms_code_received", "code"),
    Axis("sms_received_at", "sms", UNKNOWN, ({"sms": k.SMS_EARLY}, {"sms": k.SMS_LATE})),
    _truth_axis("evidence_attached", "attached"),
    _truth_axis("evidence_sufficient", "sufficient"),
    _truth_axis("listed_compatible", "listed"),
    _truth_axis("reproduced_without_third_party", "reproduced"),
    _truth_axis("access_needed", "needed"),
    Axis(
        "replacement_price",
        "replacement",
        UNKNOWN,
        ({"replacement": k.AVAILABLE}, {"replacement": k.UNAVAILABLE}),
    ),
    Axis("amount", "replacement", AMOUNT_UNKNOWN, ({"replacement": k.AVAILABLE}, {"replacement": k.UNAVAILABLE})),
)


@dataclass
class Block:
    """The patterns that leave the same axes open.

    `patterns` are their places; their completions lie from `start` on in the table, pattern by pattern, each shaped
    as `shape`.
    """

    patterns: npt.NDArray[np.int64]
    axes: tuple[int, ...]
    shape: tuple[int, ...]
    start: int

    @property
    def stop(self) -> int:
        """Where the next block begins."""
        return self.start + len(self.patterns) * self.count

    @property
    def count(self) -> int:
        """Completions of one pattern."""
        return int(np.prod(self.shape, dtype=np.int64)) if self.shape else 1


@dataclass
class Completions:
    """The distinct patterns of a region and all their completions as one table of complete facts."""

    of_row: npt.NDArray[np.int64]
    """The pattern of each row of the region."""
    patterns: int
    blocks: list[Block]
    known: Known
    packed: Codes
    """The columns of each row as one number."""


def _pack(region: Region) -> tuple[npt.NDArray[np.int64], dict[str, Codes], Codes]:
    """The pattern of each row, the columns of the distinct patterns, and each row's columns as one number."""
    packed = np.zeros(len(region.rows), dtype=np.int64)
    for name, values in region.columns.items():
        packed *= SIZES[name]
        packed += values
    of_row, distinct = pd.factorize(packed)
    columns = {}
    left = np.asarray(distinct)
    for name in reversed(region.columns):
        left, columns[name] = np.divmod(left, SIZES[name])
    return of_row.astype(np.int64), columns, packed


def of(region: Region) -> Completions:
    """All completions of a region's patterns. Raises `ValueError` beyond `MOST_COMPLETIONS` of one pattern."""
    of_row, patterns, packed = _pack(region)
    size = len(patterns["timing"])
    axes = [number for number, axis in enumerate(AXES) if axis.column in patterns]
    signature = np.zeros(size, dtype=np.int64)
    for number in axes:
        signature |= (patterns[AXES[number].column] == AXES[number].code).astype(np.int64) << number
    blocks: list[Block] = []
    parts: list[dict[str, Codes]] = []
    start = 0
    for which in np.unique(signature):
        places = np.flatnonzero(signature == which)
        opened = tuple(number for number in axes if which >> number & 1)
        block = Block(places, opened, tuple(len(AXES[number].tries) for number in opened), start)
        if block.count > MOST_COMPLETIONS:
            raise ValueError(
                f"{block.count} completions of one claim are too many to try; {MOST_COMPLETIONS} is the most."
            )
        blocks.append(block)
        parts.append(_completed(patterns, block))
        start = block.stop
    names = list(patterns)
    table = {name: np.concatenate([part[name] for part in parts]) if parts else patterns[name] for name in names}
    return Completions(of_row, size, blocks, Known(_followed(table), start), packed)


def _completed(patterns: dict[str, Codes], block: Block) -> dict[str, Codes]:
    """The columns of a block, each pattern repeated for each combination of its axes' values."""
    columns = {name: np.repeat(values[block.patterns], block.count) for name, values in patterns.items()}
    if block.axes:
        places = np.indices(block.shape).reshape(len(block.axes), -1)
        for number, place in zip(block.axes, places, strict=True):
            axis = AXES[number]
            for name in axis.tries[0]:
                tried = np.array([tried[name] for tried in axis.tries])[place]
                columns[name] = np.tile(tried, len(block.patterns))
    return columns


def _followed(columns: dict[str, Codes]) -> dict[str, Codes]:
    """What follows from a tried value.

    Instants that share the claim's unknown timing get their side, and an SMS on a later day puts the rest in time.
    """
    timing = columns["timing"]
    in_time, by_14 = timing == k.IN_TIME, (timing & k.BY_DAY_14) != 0
    for name in ("evidence_in", "open_now"):
        if name in columns:
            shared = np.where(in_time, k.ALL_LIMITS, np.where(by_14, k.BY_14, 0))
            columns[name] = np.where(columns[name] == AS_TIMING, shared, columns[name])
    if "contact" in columns:
        shared = np.where(in_time, k.CONTACT_IN_TIME, k.CONTACT_LATE)
        columns["contact"] = np.where(columns["contact"] == AS_TIMING, shared, columns["contact"])
    for name, clock in (("fix_standing", "clock_standing"), ("fix_plain", "clock_plain")):
        if name in columns:
            shared = np.where(columns[clock] == k.RUNNING, k.FIXED_IN_TIME, k.FIXED_LATE)
            columns[name] = np.where(columns[name] == AS_TIMING, shared, columns[name])
    if "sms" in columns:
        late = columns["sms"] == k.SMS_LATE
        columns["timing"] = np.where(late, timing | k.RECEIVED_FROM_SMS | k.SENT_FROM_SMS, timing)
        columns["contact"] = np.where(
            late & (columns["contact"] == k.CONTACT_LATE), k.CONTACT_IN_TIME, columns["contact"]
        )
        for name in ("evidence_in", "open_now"):
            kept = late & ((columns[name] & k.BY_14) != 0)
            columns[name] = np.where(kept, columns[name] | k.BY_SMS_WINDOW | k.BY_CURE, columns[name])
    return columns


def agree(values: Codes, block: Block) -> tuple[Truth, list[tuple[int, Truth]]]:
    """For each pattern of a block, whether all its completions have one value.

    Beside it, for each open axis, whether the value changes along it, the others being equal.
    """
    grid = values[block.start : block.stop].reshape((len(block.patterns), *block.shape))
    rest = tuple(range(1, grid.ndim))
    same = (grid.max(axis=rest) == grid.min(axis=rest)) if rest else np.ones(len(grid), dtype=np.bool_)
    changes = []
    for place, number in enumerate(block.axes, 1):
        along = grid.max(axis=place) != grid.min(axis=place)
        changes.append((number, along.reshape(len(grid), -1).any(axis=1)))
    return same, changes
