"""What a plan of reading a file is made of: columns, constants, answers, and the questions that are open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from refundcore.facts import BY_NAME
from refundcore.intake import columns, encodings, tables
from refundcore.intake.files import Look
from refundcore.intake.problems import clip
from refundcore.intake.tables import Dialect

CONSTANTS = ("currency", "reason", "channel", "payment_method", "product")
"""Facts that may be given once for all rows of a file."""


@dataclass(frozen=True)
class Option:
    """One answer to a question."""

    value: str
    label: str
    sample: tuple[str, ...] = ()


@dataclass(frozen=True)
class Question:
    """What the file itself does not settle. `proposed` is shown first, never taken without the person."""

    key: str
    text: str
    options: tuple[Option, ...]
    proposed: str = ""


@dataclass(frozen=True)
class Code:
    """What a column of codes holds: the file's texts with their counts, and those the desk has no code for."""

    counts: Mapping[str, int]
    strange: tuple[str, ...]
    left_unknown: bool = False


@dataclass(frozen=True)
class Plan:
    """How a file is read. Columns go by their `names`, facts by theirs."""

    look: Look
    dialect: Dialect
    header: tuple[str, ...]
    """As it stands in the file."""
    names: tuple[str, ...]
    """The same, each different."""
    header_line: int
    zone: str
    mapping: Mapping[str, str]
    constants: Mapping[str, str]
    meanings: Mapping[str, Mapping[str, str]]
    """Fact -> text in the file -> what it stands for."""
    orders: Mapping[str, Mapping[str, str]]
    decimals: Mapping[str, str]
    settled: bool
    """Whether the evidence is that of all rows, not only of the first some thousands."""
    codes: Mapping[str, Code]
    floated: frozenset[str]
    samples: Mapping[str, tuple[str, ...]]
    questions: tuple[Question, ...]
    notices: tuple[str, ...]
    blockers: tuple[str, ...]
    ignored: Mapping[str, str]
    """Column that is no fact -> why, where there is more to say."""
    answers: Mapping[str, str] = field(default_factory=dict)

    @property
    def ready(self) -> bool:
        """Whether nothing is left to be asked."""
        return not self.questions and not self.blockers

    @property
    def kind(self) -> str:
        """What the file is, in a few words."""
        if sheet := self.look.sheet:
            columns_ = f"{len(self.names)} columns, header in row {self.header_line}"
            return f"Excel workbook, sheet “{clip(sheet.name)}”, {columns_}"
        encoding = encodings.NAMES.get(self.look.encoding, self.look.encoding.upper())
        mark = tables.NAMES.get(self.dialect.delimiter, repr(self.dialect.delimiter))
        return f"{encoding}, values parted by a {mark}, {len(self.names)} columns, header in line {self.header_line}"

    def remembered(self) -> dict[str, str]:
        """The mapping as one table, to be kept for files of the same header.

        A column that is named like a fact and is not used is kept as such, unless its cells were the reason.
        """
        kept = dict(self.mapping)
        kept |= {f"{_CONSTANT}{fact}": text for fact, text in self.constants.items()}
        for fact, texts in self.meanings.items():
            kept |= {f"{_VALUE}{fact}:{text}": meaning for text, meaning in texts.items()}
        unused = [name for name in self.names if name not in self.mapping and name not in self.ignored]
        kept |= {f"{_IGNORED}{name}": "" for name in unused if columns.fact_of(name)}
        return kept

    @property
    def lasting_header(self) -> list[str]:
        """The header by which the mapping is remembered: without the columns that the desk itself adds."""
        return [name for name in self.names if columns.normal(name) not in columns.OWN_COLUMNS]


_CONSTANT, _VALUE, _IGNORED = "=constant:", "=value:", "=ignored:"


@dataclass(frozen=True)
class Wishes:
    """What the person said about a file, or what was remembered of one like it."""

    mapping: Mapping[str, str] | None = None
    """Column -> fact, or '' for none; None: as proposed. Columns that are not named keep what is proposed."""
    constants: Mapping[str, str] = field(default_factory=dict)
    meanings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)

    def over(self, kept: Wishes | None) -> Wishes:
        """These wishes, and where they say nothing those that were kept."""
        if kept is None:
            return self
        own = self.mapping or {}
        taken = {fact for fact in own.values() if fact}
        below = {name: fact for name, fact in (kept.mapping or {}).items() if fact not in taken}
        facts = {fact for fact in {**below, **own}.values() if fact}
        constants = {fact: text for fact, text in kept.constants.items() if fact not in facts}
        values = {
            fact: {**kept.meanings.get(fact, {}), **self.meanings.get(fact, {})}
            for fact in {*kept.meanings, *self.meanings}
        }
        return Wishes({**below, **own}, {**constants, **self.constants}, values, {**kept.answers, **self.answers})


def recalled(kept: Mapping[str, str]) -> Wishes:
    """The wishes in a table that `Plan.remembered` made."""
    mapping: dict[str, str] = {}
    constants: dict[str, str] = {}
    values: dict[str, dict[str, str]] = {}
    for key, text in kept.items():
        if key.startswith(_CONSTANT):
            constants[key.removeprefix(_CONSTANT)] = text
        elif key.startswith(_VALUE):
            fact, _, written = key.removeprefix(_VALUE).partition(":")
            values.setdefault(fact, {})[written] = text
        elif key.startswith(_IGNORED):
            mapping[key.removeprefix(_IGNORED)] = ""
        elif text in BY_NAME:
            mapping[key] = text
    return Wishes(mapping, constants, values)
