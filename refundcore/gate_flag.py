"""Tells the pages whether this process is the desk's own server, with its gate before every answer.

The server raises the flag after the gate is in place. `streamlit run app.py` never does, so the pages can
refuse to show anything there.
"""

from __future__ import annotations

REFUSAL = "The desk runs only behind its own sign-in. Stop this server and start it with  ./refund-desk run"
"""What a page says where nobody guards it."""

_raised: list[bool] = []


def raise_flag() -> None:
    """Say that the gate stands before every page of this process."""
    _raised[:] = [True]


def behind_gate() -> bool:
    """Whether the gate stands before every page of this process."""
    return bool(_raised)
