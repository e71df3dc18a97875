"""What is wrong with a file, and with a cell of it, said so that it can be mended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

SHOWN = 60
"""No more of a cell's text than this is repeated in a sentence."""


class IntakeError(Exception):
    """A whole file is no use; the text of the error is what its bringer is told."""


@dataclass(frozen=True)
class Problem:
    """One cell, or one row, that is not as wanted.

    `line` is the physical line of the file on which the row begins, counted from 1. `wanted` is the rest of the
    sentence after the value: "is not yes or no". A `fatal` problem leaves its row out; any other is a note on
    a row that comes in.
    """

    line: int
    column: str
    value: str
    wanted: str
    fatal: bool = True

    def __str__(self) -> str:
        where = f"Line {self.line}, {self.column}" if self.column else f"Line {self.line}"
        return f"{where}: {self.sentence}"

    @property
    def sentence(self) -> str:
        """What is wrong, without the place."""
        return f"'{clip(self.value)}' {self.wanted}." if self.value else f"{self.wanted[:1].upper()}{self.wanted[1:]}."


@dataclass(frozen=True)
class Group:
    """Problems of one kind in one column."""

    column: str
    wanted: str
    fatal: bool
    count: int
    first: Problem


def clip(text: str) -> str:
    """A text short enough for a sentence, on one line."""
    line = printable(text[: SHOWN + 1])
    return line if len(line) <= SHOWN else f"{line[:SHOWN].rstrip()}..."


def printable(text: str) -> str:
    """A text without the characters that would steer a terminal or break a line."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


class Tally:
    """Problems by column and kind, counted as they come, each kind with its first example."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str, bool]] = Counter()
        self._firsts: dict[tuple[str, str, bool], Problem] = {}

    def add(self, problems: Iterable[Problem]) -> None:
        """Count some more."""
        for problem in problems:
            kind = (problem.column, problem.wanted, problem.fatal)
            self._counts[kind] += 1
            self._firsts.setdefault(kind, problem)

    @property
    def groups(self) -> list[Group]:
        """The kinds, the most frequent first."""
        return [Group(*kind, count=count, first=self._firsts[kind]) for kind, count in self._counts.most_common()]
