"""What rows of a file would meet in the store, before anything is imported."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence

from refundcore.facts import Claims
from refundcore.store.import_rows import fixed, one_each
from refundcore.store.incoming import Incoming, incoming
from refundcore.store.matching import NAMES, Known, changes, find
from refundcore.store.model import Comparison, Difference
from refundcore.store.store import Store

_NO_IMPORT = 0


def compare(
    store: Store, claims: Claims, lines: Sequence[int], named: MutableMapping[str, object] | None = None
) -> Comparison:
    """How rows differ from the claims of the same references; a row that comes twice is counted once.

    `lines` are the rows' lines in the file. `named` keeps the claims that earlier rows of the file named, where it
    is compared in parts. Nothing is changed, and a blank cell says nothing.
    """
    rows = incoming(claims)
    refs = one_each((ref, found) for ref, found in zip(rows.refs, rows.prints, strict=True) if ref is not None)
    marks = one_each((mark, found) for mark, found in zip(rows.marks, rows.prints, strict=True) if mark is not None)
    with store.read() as connection:
        by_ref, by_mark = find(connection, refs, marks, _NO_IMPORT, {**marks, **refs})
    new = unchanged = repeated = contradicting = 0
    differing: list[Difference] = []
    met = named if named is not None else {}
    for place, line in enumerate(lines):
        ref, mark = rows.refs[place], rows.marks[place]
        name = f"r{ref}" if ref is not None else f"m{mark}"
        if name in met:
            alike = met[name] == rows.prints[place]
            repeated, contradicting = repeated + alike, contradicting + (not alike)
            continue
        met[name] = rows.prints[place]
        known = by_ref.get(ref) if ref is not None else by_mark.get(mark or "")
        if known is None:
            new += 1
        elif found := _difference(known, rows, place, line):
            differing.append(found)
        else:
            unchanged += 1
    return Comparison(new, unchanged, tuple(differing), repeated, contradicting)


def _difference(known: Known, rows: Incoming, place: int, line: int) -> Difference | None:
    if known.print == rows.prints[place] or known.facts is None or known.hidden:
        return None
    wanted = changes(rows.values(place), known.facts)
    stored = dict(zip(NAMES, known.facts, strict=True))
    if not wanted:
        return None
    return Difference(line, known.id, known.ref, known.version, stored, wanted, known.state, fixed(known))
