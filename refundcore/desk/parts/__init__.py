"""Parts of pages that run in the browser: small components whose script, style and frame stand beside this file.

Text reaches the page by `textContent` only, so what a customer wrote can never become markup. Colours are
Streamlit's `--st-*` variables, so light and dark come by themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

_HERE = Path(__file__).parent


def _read(name: str) -> str:
    path = _HERE / name
    return path.read_text("utf-8") if path.exists() else ""


@cache
def component(name: str) -> Callable[..., Any]:
    """The component of `name.js`, `name.css` and `name.html`, with what they share put in front."""
    return st.components.v2.component(
        f"refund_desk_{name}",
        html=_read(f"{name}.html"),
        css=_read("shared.css") + "\n" + _read(f"{name}.css"),
        js=_read("shared.js") + "\n" + _read(f"{name}.js"),
    )
