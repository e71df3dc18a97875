"""The columns of a table of claims as numpy arrays of small integers; what is not known has a code of its own."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from refundcore.deadlines import Instants
from refundcore.facts import BY_NAME, Claims
from refundcore.rulebook.known import Codes, Truth

UNKNOWN = 3
NOTHING = pa.scalar(value=False)


class Reader:
    """The columns of a table of claims as numpy arrays, without what lies after `as_of` (shape: rows)."""

    def __init__(self, claims: Claims, as_of: Instants) -> None:
        self.claims = claims
        self.as_of = as_of
        self._wholes: dict[str, tuple[Instants, Truth]] = {}
        self._codes: dict[str, Codes] = {}
        self._said: dict[str, Truth] = {}

    def arrow(self, name: str) -> pa.Array:
        """A column as one Arrow array."""
        return self.claims.columns[name]

    def whole(self, name: str) -> tuple[Instants, Truth]:
        """A column of whole numbers, 0 where blank, and whether each is given."""
        if name not in self._wholes:
            column = self.arrow(name)
            given = np.asarray(column.is_valid().to_numpy(zero_copy_only=False))
            self._wholes[name] = np.asarray(column.fill_null(0).to_numpy(zero_copy_only=False)), given
        return self._wholes[name]

    def truth(self, name: str) -> Codes:
        """0 no, 1 yes, `UNKNOWN`."""
        if name not in self._codes:
            column = self.arrow(name).cast(pa.int8()).fill_null(UNKNOWN)
            self._codes[name] = np.asarray(column.to_numpy(zero_copy_only=False)).astype(np.int64)
        return self._codes[name]

    def codes(self, name: str, blank: int) -> Codes:
        """The place of each code in the fact's list of codes; `blank` where there is none."""
        if name not in self._codes:
            column = self.arrow(name)
            found = pc.index_in(column, pa.array(BY_NAME[name].codes, column.type)).fill_null(blank)
            self._codes[name] = np.asarray(found.to_numpy(zero_copy_only=False)).astype(np.int64)
        return self._codes[name]

    def said(self, name: str) -> Truth:
        """Whether a text says anything."""
        if name not in self._said:
            filled = pc.not_equal(self.arrow(name), "").fill_null(NOTHING)
            self._said[name] = np.asarray(filled.to_numpy(zero_copy_only=False))
        return self._said[name]

    @cached_property
    def words(self) -> Codes:
        """How many words the grounds have, parted by white space."""
        column = self.arrow("description").fill_null("")
        folded = column.dictionary_encode()
        counts = pc.list_value_length(pc.utf8_split_whitespace(pc.utf8_trim_whitespace(folded.dictionary)))
        empty = pc.equal(pc.utf8_trim_whitespace(folded.dictionary), "")
        each = pc.if_else(empty, 0, counts).to_numpy(zero_copy_only=False).astype(np.int64)
        return np.asarray(each[folded.indices.to_numpy(zero_copy_only=False)] if len(column) else each[:0])
