"""Rows of a file on their way into the store, column by column: their values, fingerprints and the JSON of their facts.

The JSON is the very one that `chain.Ledger.row` makes of a mapping, letter for letter, only made of whole columns.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from json.encoder import encode_basestring
from typing import Any

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
    """Some rows as the store needs them; lists in the order of the rows."""

    size: int
    columns: dict[str, list[Any]]
    """The columns of facts that hold anything."""
    prints: list[str]
    """Each row's fingerprint: equal rows, and only they, have the same."""
    refs: list[str | None]
    """Each row's `claim_ref`."""
    marks: list[str | None]
    """Who is the same claim, for rows without a reference."""
    facts: list[str]
    """The facts of each row as JSON, personal values as commitments."""
    private: list[str | None]
    """The salt and the personal values as JSON; None where there are none."""

    def values(self, row: int) -> Values:
        """The facts of one row, in the order of `COLUMNS`."""
        return tuple(self.columns[name][row] if name in self.columns else None for name in NAMES)

    def column(self, name: str) -> Sequence[Any]:
        """A column of facts, also one that holds nothing."""
        return self.columns.get(name) or [None] * self.size


def incoming(claims: Claims) -> Incoming:
    """The rows of claims."""
    size = len(claims)
    filled = {name: column for name, column in claims.columns.items() if column.null_count < size}
    columns = {name: column.to_pylist() for name, column in filled.items()}
    pieces = {name: _pieces(name, filled[name]) for name in sorted(filled)}
    plain = _objects(pieces, size)
    private, salts = _private({name: _given(name, pieces[name]) for name in sorted(PERSONAL & pieces.keys())}, size)
    told = {
        name: _commitments(name, columns[name], salts) if name in PERSONAL else piece for name, piece in pieces.items()
    }
    refs = columns.get("claim_ref") or [None] * size
    return Incoming(
        size,
        columns,
        [fingerprint(text) for text in plain],
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


def _pieces(name: str, column: pa.Array) -> pa.StringArray:
    """`"name":value` for each row, null where it has none."""
    if pa.types.is_boolean(column.type):
        texts = pc.if_else(column, "true", "false")
    elif pa.types.is_integer(column.type):
        texts = pc.cast(column, pa.string())
    else:
        encoded = column.dictionary_encode()
        distinct = [encode_basestring(text) for text in encoded.dictionary.to_pylist()]
        texts = pa.array(distinct, type=pa.string()).take(encoded.indices)
    return pc.binary_join_element_wise(f'"{name}":', texts, "")


def _given(name: str, pieces: pa.StringArray) -> pa.StringArray:
    """The pieces of a column without those of empty texts."""
    return pc.if_else(pc.equal(pieces, f'"{name}":""'), pa.scalar(None, pa.string()), pieces)


def _objects(pieces: dict[str, pa.StringArray], size: int) -> list[str]:
    """The pieces of each row together as one object."""
    if not pieces:
        return ["{}"] * size
    inside = pc.binary_join_element_wise(*pieces.values(), ",", null_handling="skip")
    found: list[str] = pc.binary_join_element_wise("{", inside, "}", "").to_pylist()
    return found


def _private(pieces: dict[str, pa.StringArray], size: int) -> tuple[list[str | None], list[str]]:
    """The personal values of each row with its salt, and the salts."""
    digits = secrets.token_hex(_SALT // 2 * size) if size else ""
    salts = [digits[start : start + _SALT] for start in range(0, len(digits), _SALT)]
    if not pieces:
        return [None] * size, salts
    texts = _objects({**pieces, "salt": _pieces("salt", pa.array(salts, type=pa.string()))}, size)
    none = len(f'{{"salt":"{"0" * _SALT}"}}')
    return [text if len(text) > none else None for text in texts], salts


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
