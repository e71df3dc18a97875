"""A certificate as a page to print: escaped, without scripts, with the data itself at its end."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from refundcore.certificates.sealing import as_json
from refundcore.facts import BY_NAME
from refundcore.store.sentences import VERDICTS

DATA = "certificate-data"
"""The id of the element that holds the data."""

OUTCOMES = {"approve": "Refund approved", "exchange": "Replacement given", "deny": "Claim denied"}
READINGS = {"strict": "Strict reading", "default": "Usual reading", "generous": "Generous reading"}


def as_page(certificate: dict[str, Any]) -> str:
    """A certificate as HTML, always the same for the same certificate."""
    order = {name: place for place, name in enumerate(BY_NAME)}
    return _template().render(
        c=certificate,
        facts=sorted(certificate["facts"].items(), key=lambda fact: (order.get(fact[0], len(order)), fact[0])),
        data=as_json(certificate),
        id=DATA,
        outcomes=OUTCOMES,
        readings=READINGS,
        verdicts=VERDICTS,
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("certificate.html")
