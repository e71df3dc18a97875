"""Settings that a manager changes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from refundcore.store.store import Store

DEFAULTS: Mapping[str, str] = {"answer_hours": "24", "follow_up_hours": "168"}
"""`answer_hours`: within which a claim is to be answered; `follow_up_hours`: after which a waiting claim comes back."""


def setting(store: Store, name: str) -> str:
    """The present value. Raises `KeyError` for a name that is not in `DEFAULTS`."""
    raise NotImplementedError


def set_setting(store: Store, *, actor: int, at: datetime, name: str, value: str) -> None:
    """Change a setting. Raises `Forbidden`, or `Impossible` for a value that does not fit."""
    raise NotImplementedError
