"""The sentences that replies are made of: the desk's own document, a manager's own wording, and what may stand in it.

A text holds plain words and `{{ name }}`, nothing else: no conditions, no loops, no look inside a value. So what it
rests on can be read off it, and it can neither run away nor reach anything.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from refundcore.replies.errors import ReplyError
from refundcore.replies.values import FOLLOWS, MARKS, MEANINGS

DOCUMENT = Path(__file__).resolve().parents[2] / "data" / "replies.toml"
LONGEST = 1_000
"""Characters of one sentence."""

BREAKS: Mapping[str, str] = {"paragraph": "\n\n", "line": "\n", "sentence": " "}
_ENVIRONMENT = ImmutableSandboxedEnvironment(autoescape=False, undefined=StrictUndefined)
_ALLOWED = (nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name)
_KEYS = {"id", "outcomes", "text", "clause", "leads", "when", "unless", "begins"}


@dataclass(frozen=True)
class Text:
    """One sentence of the document; its fields are described at the head of data/replies.toml."""

    id: str
    outcomes: tuple[str, ...]
    text: str
    clause: str = ""
    leads: tuple[str, ...] = ()
    when: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    begins: str = "paragraph"
    desks: bool = False
    """A manager worded it."""

    @property
    def needs(self) -> tuple[str, ...]:
        """The values that have to be known."""
        return (*names_in(self.text), *self.when)


@cache
def document() -> tuple[Text, ...]:
    """The desk's own sentences. Raises `ReplyError` for a document that does not hold together."""
    rows = tomllib.loads(DOCUMENT.read_text("utf-8")).get("sentence", [])
    made: list[Text] = []
    for row in rows:
        where = f"{DOCUMENT.name}, sentence '{row.get('id', '')}'"
        if strange := sorted(row.keys() - _KEYS):
            raise ReplyError(f"{where}: there is nothing called {strange[0]}.")
        lists = {name: tuple(row.get(name, ())) for name in ("outcomes", "leads", "when", "unless")}
        text = Text(**{**row, **lists})
        values = {*text.when, *text.unless, *names_in(text.text)}
        wrong = {*(values - MEANINGS.keys() - MARKS), *(set(text.outcomes) - FOLLOWS.keys())}
        if wrong or text.begins not in BREAKS or any(text.id == other.id for other in made):
            raise ReplyError(f"{where} does not hold together: {', '.join(sorted(wrong)) or 'see its id and begins'}.")
        made.append(text)
    return tuple(made)


def worded(own: Mapping[str, str]) -> tuple[Text, ...]:
    """The sentences, a manager's own wording (by id) in place of the desk's; one that cannot be read is passed by."""
    made = []
    for text in document():
        other = own.get(text.id, "").strip()
        if other and other != text.text.strip():
            try:
                names_in(other)
                made.append(replace(text, text=other, desks=True))
                continue
            except ReplyError:
                pass  # it was checked when it was saved; a later edition of the desk may know fewer values
        made.append(text)
    return tuple(made)


@cache
def names_in(text: str) -> tuple[str, ...]:
    """The values that a text holds, in their order. Raises `ReplyError`, saying what may not stand in it."""
    if len(text) > LONGEST:
        raise ReplyError(f"The text is too long: at most {LONGEST:,} characters.")
    if any(ord(letter) < 32 and letter != "\n" for letter in text):
        raise ReplyError("The text holds a character that cannot be written in a mail.")
    try:
        parsed = _ENVIRONMENT.parse(text)
    except TemplateSyntaxError as wrong:
        raise ReplyError(f"The text cannot be read: {wrong.message}. A value is written as {{{{ name }}}}.") from wrong
    found = [parsed, *parsed.find_all(nodes.Node)]
    if any(not isinstance(node, _ALLOWED) for node in found):
        raise ReplyError("Only words and values such as {{ order }} may stand in a text: no conditions, no sums.")
    names = tuple(dict.fromkeys(node.name for node in found if isinstance(node, nodes.Name)))
    if unknown := [name for name in names if name not in MEANINGS]:
        raise ReplyError(f"There is no value called “{unknown[0]}”. There are: {', '.join(MEANINGS)}.")
    return names


def render(text: str, values: Mapping[str, str]) -> str:
    """A text with its values put in. Raises `jinja2.UndefinedError` where one is missing."""
    return _template(text).render(values).strip("\n")


@cache
def _template(text: str) -> Template:
    return _ENVIRONMENT.from_string(text)
