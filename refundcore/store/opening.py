"""Opening the store: find it, refuse what is not ours, upgrade it after a backup."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from refundcore.store.store import Store


def connect(
    url: str | None = None,
    *,
    at: datetime,
    backup: bool = True,
    policy: Any = None,  # noqa: ANN401 - a policy.Policy
    judge: Any = None,  # noqa: ANN401 - rules.judge
) -> Store:
    """Open the store, making or upgrading it where that is needed.

    `url` defaults to the environment's DATABASE_URL, else the file `refunds.db` in the folder REFUND_DESK_DATA, else
    `data/desk/refunds.db` of the project. An existing store is backed up before an upgrade. `policy` defaults to
    `policy.load()`. Raises `StoreError` with a sentence for a store that is newer, foreign, damaged, or was here
    before and is now missing or empty.
    """
    raise NotImplementedError
