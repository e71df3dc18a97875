"""The verdict kept with each claim, and when the claim is to be acted on."""

from __future__ import annotations

from datetime import datetime

from refundcore.store.store import Store


def rejudge_due(store: Store, at: datetime, *, everything: bool = False) -> int:
    """Judge open claims again whose verdict is no longer known to hold at `at`; how many were judged.

    `everything` judges all open claims (after the policy changed).
    """
    raise NotImplementedError
