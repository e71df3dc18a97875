"""A file into the store, and what came of each of its rows."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from refundcore.intake import ahead, exporting
from refundcore.intake.files import Source
from refundcore.intake.plans import Plan, Wishes, recalled
from refundcore.intake.problems import IntakeError, Problem, Tally
from refundcore.intake.reading import Mended, rows

if TYPE_CHECKING:
    from refundcore.store import Balance, Prepared, Reject, Store

Progress = Callable[[float, int], None]
"""Called with how much of the file is read (0 to 1) and how many rows that were."""

LARGE = 1 << 20
"""Bytes of a file from which on it is worth a process of its own to read it."""


@dataclass(frozen=True)
class _Part:
    """Some rows of a file, ready to be stored."""

    given: Prepared
    lines: Sequence[int]
    cells: Sequence[Sequence[str]]
    rejected: Sequence[tuple[int, Sequence[str], str]]
    problems: Sequence[Problem]
    done: float


def bring_in(
    file: Source,
    plan: Plan,
    store: Store,
    *,
    actor: int,
    at: datetime,
    progress: Progress | None = None,
    update: bool = False,
    confirmed: Mapping[int, int] | None = None,
    mended: Mended | None = None,
    tally: Tally | None = None,
    alone: bool = False,
) -> tuple[int, Balance]:
    """Import a file by its plan: the import's number and its balance.

    Rows stay invisible until the last is stored; an import that fails is taken back. The mapping is remembered for
    files of the same header. `tally` counts the problems found. With `update`, rows that differ from an undecided
    claim of the same reference change it; `confirmed` are the claims that may be changed, each at the version that was
    seen. `mended` are rows in place of those that stand in the file, by line. `alone` says that this process does
    nothing else: then a copy of it reads a large file ahead. Raises `IntakeError` while something is left to be
    asked, and what the store refuses.
    """
    from refundcore import store as acts  # noqa: PLC0415 - reading a file needs no database

    if plan.blockers:
        raise IntakeError(plan.blockers[0])
    if plan.questions:
        raise IntakeError(plan.questions[0].text)
    number = acts.begin_import(
        store, actor=actor, at=at, filename=plan.look.name, sha256=plan.look.sha256,
        header=list(plan.names), mapping=plan.remembered(), update=update or bool(confirmed),
    )  # fmt: skip
    read, following = 0, acts.next_claim(store)

    def parts() -> Generator[_Part]:
        expected = following
        for batch in rows(file, plan, mended):
            given = acts.prepare(store, number, batch.claims, at, first=expected, actor=actor)
            expected += len(given)
            rejected = [(reject.line, reject.cells, reject.why) for reject in batch.rejected]
            yield _Part(given, batch.lines, batch.cells, rejected, batch.problems, batch.done)

    try:
        split = alone and plan.look.size > LARGE and ahead.possible()
        with closing(ahead.ahead(parts) if split else parts()) as made:
            for part in made:
                if count := len(part.lines) + len(part.rejected):
                    acts.import_batch(
                        store, number, actor=actor, at=at,
                        claims=part.given, lines=part.lines, cells=part.cells, rejected=part.rejected,
                        confirmed=None if update else confirmed, share=part.done,
                    )  # fmt: skip
                if tally is not None:
                    tally.add(part.problems)
                read += count
                if progress:
                    progress(part.done, read)
        balance = acts.finish_import(store, number, actor=actor, at=at)
    except BaseException:
        acts.cancel_import(store, number, actor=actor, at=at)
        raise
    acts.remember_mapping(store, actor=actor, at=at, header=plan.lasting_header, mapping=plan.remembered())
    return number, balance


def remembered(store: Store, plan: Plan) -> Wishes | None:
    """What was said last time about a file with the header of this plan; None for a new header."""
    from refundcore import store as acts  # noqa: PLC0415 - reading a file needs no database

    kept = acts.remembered_mapping(store, plan.lasting_header)
    return None if kept is None else recalled(kept)


def sentence(balance: Balance, noun: str = "row") -> str:
    """The balance as one sentence: every row, or whatever the file consists of, is in one of its parts."""
    parts = [
        (balance.created, "created"),
        (balance.updated, "updated"),
        (balance.unchanged, "unchanged"),
        (balance.duplicates, "duplicate within the file" if balance.duplicates == 1 else "duplicates within the file"),
        (balance.conflicting, "conflicting and not taken"),
        (balance.rejected, "rejected"),
    ]
    told = ", ".join(f"{count:,} {what}" for count, what in parts if count) or "nothing in it"
    return f"{balance.rows:,} {noun if balance.rows == 1 else noun + 's'} in the file: {told}."


def rejects_file(store: Store, number: int) -> Iterator[bytes]:
    """The rejected and conflicting rows of an import as a CSV file, in pieces."""
    from refundcore import store as acts  # noqa: PLC0415 - reading a file needs no database

    def pages() -> Iterator[Sequence[Reject]]:
        after = 0
        while page := acts.rejects(store, number, after=after):
            yield page
            after = page[-1].line

    names: list[str] = max((list(reject.cells) for page in pages() for reject in page), key=len, default=[])
    rows = (
        (reject.line, [reject.cells.get(name, "") for name in names], reject.why) for page in pages() for reject in page
    )
    return exporting.rejects_file(names, rows)
