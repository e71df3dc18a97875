"""Claims in Parquet: each column as it is typed there, made the columns of claims.

Times become microseconds in UTC, whole numbers and truths stay, texts are read as the cells of a file are. Money in
whole numbers is in minor units.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from refundcore.facts import BY_NAME, COLUMNS, Claims
from refundcore.intake import cells
from refundcore.intake.problems import IntakeError

AT_ONCE = 1 << 16
"""Rows that are read at once, whatever the file's own groups are."""


def parts(path: Path, zone: str) -> Iterator[Claims]:
    """The claims of a Parquet file in parts. Raises `IntakeError` for a file that isn't one or holds no facts."""
    try:
        with pq.ParquetFile(path) as file:
            names = [name for name in file.schema_arrow.names if name in COLUMNS]
            if not names:
                raise IntakeError(f"{path}: none of the columns is a fact of a claim, such as order_ref or reason.")
            for batch in file.iter_batches(AT_ONCE, columns=names):
                yield claims_of(pa.Table.from_batches([batch]), zone)
    except (OSError, pa.ArrowException) as error:
        raise IntakeError(f"{path} cannot be read as Parquet: {error}.") from None


def of_frame(frame: pd.DataFrame, zone: str) -> Claims:
    """The claims of a frame, such as a part of a Dask frame over Parquet."""
    return claims_of(pa.Table.from_pandas(frame, preserve_index=False), zone)


def claims_of(table: pa.Table, zone: str) -> Claims:
    """The claims of an Arrow table. Raises `IntakeError` naming the column that cannot be read."""
    typed: dict[str, pa.Array] = {}
    texts: dict[str, list[str]] = {}
    for name in table.column_names:
        if name not in COLUMNS:
            continue
        column, wanted = table.column(name).combine_chunks(), COLUMNS[name].pyarrow_dtype
        if pa.types.is_timestamp(column.type):
            typed[name] = column.cast(pa.timestamp("us", column.type.tz)).cast(pa.int64())
        elif pa.types.is_dictionary(column.type) or pa.types.is_large_string(column.type):
            column = column.cast(pa.string())
            typed[name] = column
        elif column.type in {wanted, pa.string()} or pa.types.is_integer(column.type) or pa.types.is_null(column.type):
            typed[name] = column
        else:
            raise IntakeError(f"{name}: a column of {column.type} is no {BY_NAME[name.removesuffix('_latest')].kind}.")
        if pa.types.is_string(typed[name].type) and not pa.types.is_string(wanted):
            texts[name] = pc.fill_null(typed.pop(name), "").to_pylist()
    if texts:  # amounts are read by the currency beside them
        words = {name: column for name, column in typed.items() if pa.types.is_string(column.type)}
        texts |= {name: pc.fill_null(typed.pop(name), "").to_pylist() for name in words}
    size = table.num_rows
    read = cells.convert(texts, zone=zone, lines=range(1, size + 1)) if texts else None
    if read and (fatal := next((problem for problem in read.problems if problem.fatal), None)):
        raise IntakeError(str(fatal))
    converted = {name: column for name, column in read.claims.columns.items() if _of(name, texts)} if read else {}
    try:
        given = {name: column.cast(COLUMNS[name].pyarrow_dtype) for name, column in typed.items()}
        columns = converted | given
        return Claims.of(pd.DataFrame({n: pd.Series(pd.array(c, dtype=COLUMNS[n])) for n, c in columns.items()}))
    except (ValueError, pa.ArrowException) as error:
        raise IntakeError(f"The table cannot be read as claims: {error}.") from None


def _of(name: str, given: dict[str, list[str]]) -> bool:
    return name in given or name.removesuffix("_latest") in given
