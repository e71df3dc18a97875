"""The opened store: an engine, the policy it judges by, and the two ways to a connection."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

if TYPE_CHECKING:
    import pandas as pd


@dataclass
class Store:
    """An opened store. `connect` makes it; everything else takes it as its first argument."""

    engine: sa.Engine
    url: str
    policy: Any
    """The `refundcore.policy.Policy` that claims are judged under."""
    judge: Callable[..., pd.DataFrame]
    """`rules.judge` or, in a test, a stand-in of the same signature."""
    path: Path | None = None
    """The SQLite file; None for another database."""
    notice: str = ""
    """A sentence for the start, where the store runs in a lesser mode; else ""."""
    writer: threading.RLock = field(default_factory=threading.RLock, repr=False)
    seen: dict[int, dict[int, str]] = field(default_factory=dict, repr=False)
    """Import -> claims that its file has named so far -> the fingerprint of the row."""

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A connection for reading: one snapshot, never blocked by a writer for long."""
        raise NotImplementedError
        yield

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A connection in a transaction that is the only writer; commits at the end, rolls back on any exception.

        Raises `StoreError` where the store stays busy for 15 seconds, the disk is full or cannot be written.
        """
        raise NotImplementedError
        yield
