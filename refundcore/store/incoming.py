"""Rows of a file on their way into the store, column by column: their values, fingerprints and the JSON of their facts.

The JSON is the very one that `chain.Ledger.row` makes of a mapping, letter for letter, only made of whole columns.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from json.encoder import encode_basestring
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from refundcore.facts import Claims
from refundcore.store.acts import SAME
from refundcore.store.chain import PERSONAL, canonical, digest
from refundcore.store.matching import NAMES, Values

_SALT = 16
"""Hex digits of an event's salt."""


@dataclass(frozen=True)
class Incoming:
    """Some rows as the store needs them; all of it in the order of the rows."""

    size: int
    columns: dict[str, pa.Array]
    """The columns of facts that hold anything."""
    prints: list[str]
    """Each row's fingerprint: equal rows, and only they, have the same."""
    refs: list[str | None]
    """Each row's `claim_ref`."""
    marks: list[str | None]
    """Who is the same claim, for rows without a reference."""
    facts: pa.StringArray
    """The facts of each row as JSON, personal values as commitments."""
    private: pa.StringArray
    """The salt and the personal values as JSON; null where there are none."""

    def values(self, row: int) -> Values:
        """The facts of one row, in the order of `COLUMNS`."""
        return tuple(self.columns[name][row].as_py() if name in self.columns else None for name in NAMES)


def incoming(claims: Claims) -> Incoming:
    """The rows of claims."""
    size = len(claims)
    filled = {name: column for name, column in claims.columns.items() if column.null_count < size}
    columns = {name: column.to_pylist() for name, column in filled.items() if name in {"claim_ref", *SAME, *PERSONAL}}
    pieces = {name: _pieces(name, filled[name]) for name in sorted(filled)}
    plain = _objects(pieces, size)
    private, salts = _private({name: _given(name, pieces[name]) for name in sorted(PERSONAL & pieces.keys())}, size)
    told = {
        name: _commitments(name, columns[name], salts) if name in PERSONAL else piece for name, piece in pieces.items()
    }
    refs = columns.get("claim_ref") or [None] * size
    return Incoming(
        size,
        filled,
        [fingerprint(text) for text in plain.to_pylist()],
        refs,
        _marks(columns, refs),
        _objects(told, size),
        private,
    )


def fingerprint(facts: str) -> str:
    """The fingerprint of a row: of its facts as JSON.

    Not kept for ever: where a later version writes a value otherwise, the facts themselves are compared.
    """
    return hashlib.sha256(facts.encode()).hexdigest()[:32]


def encoded(column: pa.StringArray) -> pa.StringArray:
    """Texts as JSON writes them: those that need no escape as they are, any other by the encoder itself, once."""
    plain = pc.binary_join_element_wise('"', column, '"', "")
    special = _special(column)
    if not len(special):
        return plain
    folded = column.take(pa.array(special)).dictionary_encode()
    distinct = [encode_basestring(text) for text in folded.dictionary.to_pylist()]
    mask = np.zeros(len(column), dtype=bool)
    mask[special] = True
    return pc.replace_with_mask(plain, pa.array(mask), pa.array(distinct, type=pa.string()).take(folded.indices))


def _special(column: pa.StringArray) -> npt.NDArray[np.int64]:
    """The rows whose texts hold a letter that JSON escapes: a quotation mark, a backslash, a control character.

    Found byte by byte: in UTF-8 no other letter has a byte that is one of these.
    """
    _, offset_buffer, data_buffer = column.buffers()
    if data_buffer is None:
        return np.zeros(0, dtype=np.int64)
    offsets = np.frombuffer(offset_buffer, dtype=np.int32)[column.offset : column.offset + len(column) + 1]
    data = np.frombuffer(data_buffer, dtype=np.uint8)[offsets[0] : offsets[-1]]
    found = np.flatnonzero((data < ord(" ")) | (data == ord('"')) | (data == ord("\\")))
    rows = np.searchsorted(offsets, found + offsets[0], side="right") - 1
    return np.unique(rows[np.asarray(column.is_valid())[rows]]) if len(rows) else rows


def _pieces(name: str, column: pa.Array) -> pa.StringArray:
    """`"name":value` for each row, null where it has none."""
    if pa.types.is_boolean(column.type):
        texts = pc.if_else(column, "true", "false")
    elif pa.types.is_integer(column.type):
        texts = pc.cast(column, pa.string())
    else:
        texts = encoded(column)
    return pc.binary_join_element_wise(f'"{name}":', texts, "")


def _given(name: str, pieces: pa.StringArray) -> pa.StringArray:
    """The pieces of a column without those of empty texts."""
    return pc.if_else(pc.equal(pieces, f'"{name}":""'), pa.scalar(None, pa.string()), pieces)


def _objects(pieces: dict[str, pa.StringArray], size: int) -> pa.StringArray:
    """The pieces of each row together as one object."""
    if not pieces:
        return pa.array(["{}"] * size, type=pa.string())
    columns = list(pieces.values())
    if all(column.null_count for column in columns):  # Arrow drops a row in which everything is skipped
        blank = reduce(pc.and_, (column.is_null() for column in columns))
        columns[0] = pc.if_else(blank, "", columns[0])
    inside = pc.binary_join_element_wise(*columns, ",", null_handling="skip")
    return pc.binary_join_element_wise("{", inside, "}", "")


def _private(pieces: dict[str, pa.StringArray], size: int) -> tuple[pa.StringArray, list[str]]:
    """The personal values of each row with its salt, and the salts."""
    digits = secrets.token_hex(_SALT // 2 * size) if size else ""
    salts = [digits[start : start + _SALT] for start in range(0, len(digits), _SALT)]
    if not pieces:
        return pa.nulls(size, pa.string()), salts
    salt = pc.binary_join_element_wise('"salt":"', pa.array(salts, type=pa.string()), '"', "")
    texts = _objects({**pieces, "salt": salt}, size)
    none = len(f'{{"salt":"{"0" * _SALT}"}}')
    return pc.if_else(pc.greater(pc.binary_length(texts), none), texts, pa.scalar(None, pa.string())), salts


def _commitments(name: str, values: Sequence[str | None], salts: Sequence[str]) -> pa.StringArray:
    """`"name":"#..."` for each row that has a value, as `chain.commitment` makes it."""
    sha256, between = hashlib.sha256, f"\0{name}\0"
    return pa.array(
        [
            None
            if value is None
            else f'"{name}":"#{sha256(f"{salt}{between}{value}".encode()).hexdigest()}"'
            if value
            else f'"{name}":""'
            for value, salt in zip(values, salts, strict=True)
        ],
        type=pa.string(),
    )


def _marks(columns: dict[str, list[Any]], refs: Sequence[str | None]) -> list[str | None]:
    """Who is the same claim, for rows without a reference; None for one with a reference."""
    if None not in refs:
        return [None] * len(refs)
    same = [columns.get(name) or [None] * len(refs) for name in SAME]
    return [
        digest(canonical(list(values)))[:32] if ref is None else None for ref, *values in zip(refs, *same, strict=True)
    ]
