"""A backtest on a Dask cluster: the same judging, unchanged, on every part of a Parquet file (`map_partitions`).

Dask is an extra that the desk itself doesn't need: requirements-cluster.txt.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pandas as pd

from refundcore import columnar
from refundcore.backtest import Flip, Population, Tally, compare, flips
from refundcore.editions import Editions
from refundcore.intake.problems import IntakeError

_RESULT = {"tally": "object", "flips": "object"}


class ClusterError(IntakeError):
    """The extra isn't installed, or nobody answers at the address; the message says what is wanted."""


def run(address: str, path: Path, before: Editions, after: Editions, as_of: int) -> tuple[Tally, list[Flip]]:
    """The tally and the flips of a Parquet file, its parts judged by the workers at an address, all at one moment.

    The workers need this program and the file under the same path. Raises `ClusterError` with a sentence.
    """
    try:
        import dask.dataframe as dd  # noqa: PLC0415 - an extra
        from distributed import Client  # noqa: PLC0415
    except ImportError as error:
        needed = "pip install -r requirements-cluster.txt"
        raise ClusterError(f"--cluster needs Dask ({error.name} is missing): {needed}.") from None
    connect: Any = Client  # its types are incomplete
    try:
        client = connect(address, timeout="10s")
    except (OSError, ValueError) as error:
        raise ClusterError(f"No cluster answers at {address}: {error}.") from None
    with client:
        frame = dd.read_parquet(path, dtype_backend="pyarrow", split_row_groups=True)
        done = frame.map_partitions(part, before, after, as_of, meta=_RESULT).compute()
    total, listed = Tally(), []
    for tally, flipped in zip(done["tally"], done["flips"], strict=True):
        total += pickle.loads(tally)  # noqa: S301 - what our own workers made
        listed += pickle.loads(flipped)  # noqa: S301
    return total, listed


def part(frame: pd.DataFrame, before: Editions, after: Editions, as_of: int) -> pd.DataFrame:
    """One part on its worker: a row with the tally and the flips."""
    if not len(frame):
        return pd.DataFrame({name: pd.Series([], dtype=kind) for name, kind in _RESULT.items()})
    policy = before.all[-1].policy
    compared = compare(Population.of_facts(columnar.of_frame(frame, policy.zone), as_of), before, after)
    made = pickle.dumps(Tally.of(compared, policy)), pickle.dumps(list(flips(compared)))
    return pd.DataFrame({name: pd.Series([one], dtype="object") for name, one in zip(_RESULT, made, strict=True)})
