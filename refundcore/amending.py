"""Changing a policy: an amendment of a few numbers, fees, readings or clauses, and a policy written out as documents.

`amended` makes the policy that an amendment would lead to; `written` is the reverse of `policy.read`, so that whatever
was changed can be kept, compared and taken up elsewhere as the text of a document.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from refundcore import money
from refundcore.policy import READINGS, Clause, Fee, Policy, PolicyError, Reading, read
from refundcore.published import Published


@dataclass(frozen=True)
class Amendment:
    """What is changed, for orders from `start` on; everything else stays as it is."""

    start: date
    numbers: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """(clause, name of its number) -> the new value."""
    readings: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)
    """Reading -> its strict, default and generous value."""
    off: frozenset[str] = frozenset()
    """Clauses that are switched off."""
    on: frozenset[str] = frozenset()
    """Clauses that were off and are switched on."""
    fees: Mapping[str, int] = field(default_factory=dict)
    """Payment method -> percentage that is kept, in hundredths of a percent; what is fixed stays."""

    @property
    def nothing(self) -> bool:
        """Whether it changes nothing."""
        return not (self.numbers or self.readings or self.off or self.on or self.fees)

    @property
    def clauses(self) -> frozenset[str]:
        """The clauses that it names; those of its readings are known to a policy only."""
        return frozenset({clause for clause, _ in self.numbers} | self.off | self.on)


def amended(policy: Policy, amendment: Amendment) -> Policy:
    """The policy with an amendment, read anew from its own documents: what is refused there is refused here.

    A new value holds from the amendment's first day on; values for later days give way to it. Raises `PolicyError`.
    """
    clauses = dict(policy.clauses)
    for (clause, name), value in amendment.numbers.items():
        dated = _found(clauses, clause).numbers.get(name)
        if dated is None:
            raise PolicyError(f"Clause {clause} has no number called {name}.")
        changed = {**clauses[clause].numbers, name: _from(dated, amendment.start, value)}
        clauses[clause] = replace(clauses[clause], numbers=changed)
    for clause in sorted(amendment.off | amendment.on):
        clauses[clause] = replace(_found(clauses, clause), off=clause in amendment.off)
    readings = dict(policy.readings)
    for name, values in amendment.readings.items():
        if name not in readings:
            raise PolicyError(f"There is no reading {name}.")
        strict, default, generous = values
        readings[name] = replace(readings[name], strict=strict, default=default, generous=generous)
    fees = _fees(policy.fees, amendment)
    return read(*written(replace(policy, clauses=clauses, readings=readings, fees=fees)))


def _found(clauses: Mapping[str, Clause], name: str) -> Clause:
    if name not in clauses:
        raise PolicyError(f"There is no clause {name}.")
    return clauses[name]


def _from(dated: Mapping[date, int], start: date, value: int) -> dict[date, int]:
    return {**{day: number for day, number in dated.items() if day < start}, start: value}


def _fees(fees: Sequence[Fee], amendment: Amendment) -> tuple[Fee, ...]:
    kept = list(fees)
    for method, points in amendment.fees.items():
        own = [fee for fee in kept if fee.method == method]
        before = max((fee for fee in own if fee.start <= amendment.start), key=lambda fee: fee.start, default=None)
        kept = [fee for fee in kept if fee.method != method or fee.start < amendment.start]
        kept.append(Fee(method, amendment.start, points, before.fixed if before else {}))
    return tuple(kept)


def difference(old: Policy, new: Policy, on: date, start: date) -> Amendment:
    """What leads from one policy to another as they stand on a day, as an amendment from `start` on.

    Only what an amendment can say: other wordings, roles or reasons are no part of it.
    """
    numbers = {
        (name, number): _on(dated, on)
        for name, clause in new.clauses.items()
        for number, dated in clause.numbers.items()
        if name in old.clauses
        and number in old.clauses[name].numbers
        and _on(dated, on) != _on(old.clauses[name].numbers[number], on)
    }
    readings = {
        name: (reading.strict, reading.default, reading.generous)
        for name, reading in new.readings.items()
        if name in old.readings and _three(reading) != _three(old.readings[name])
    }
    both = [name for name in new.clauses if name in old.clauses]
    off = frozenset(name for name in both if new.clauses[name].off and not old.clauses[name].off)
    back = frozenset(name for name in both if old.clauses[name].off and not new.clauses[name].off)
    methods = {fee.method for fee in (*old.fees, *new.fees)}
    fees = {
        method: _points(new, method, on) for method in methods if _points(new, method, on) != _points(old, method, on)
    }
    return Amendment(start, numbers, readings, off, back, fees)


def _on(dated: Mapping[date, int], day: date) -> int:
    return dated[max((start for start in dated if start <= day), default=min(dated))]


def _three(reading: Reading) -> tuple[str, str, str]:
    return reading.strict, reading.default, reading.generous


def _points(policy: Policy, method: str, day: date) -> int:
    rows = [fee for fee in policy.fees if fee.method == method and fee.start <= day]
    return max(rows, key=lambda fee: fee.start).basis_points if rows else 0


def changes(old: Policy, new: Policy) -> list[tuple[str, str, str]]:
    """What differs between two policies: where it stands, what it was and what it is ("" for nothing)."""
    found: list[tuple[str, str, str]] = []

    def differ(where: str, was: str, now: str) -> None:
        if was != now:
            found.append((where, was, now))

    differ("Title", old.title, new.title)
    differ("In force from", f"{old.in_force_from}", f"{new.in_force_from}")
    differ("Zone", old.zone, new.zone)
    for name in dict.fromkeys([*old.clauses, *new.clauses]):
        _clause_differs(name, old.clauses.get(name), new.clauses.get(name), differ)
    for name in dict.fromkeys([*old.readings, *new.readings]):
        was, now = old.readings.get(name), new.readings.get(name)
        differ(f"Reading {name}, {(now or was).title}", _read_as(was), _read_as(now))  # type: ignore[union-attr]
    methods = dict.fromkeys(fee.method for fee in (*old.fees, *new.fees))
    for method in methods:
        differ(f"Fee, {method}", _schedule(old.fees, method), _schedule(new.fees, method))
    return found


def _clause_differs(name: str, was: Clause | None, now: Clause | None, differ: Callable[[str, str, str], None]) -> None:
    where = f"Clause {name}"
    if was is None or now is None:
        differ(where, was.text if was else "", now.text if now else "")
        return
    differ(f"{where}, wording", was.text, now.text)
    differ(f"{where}, title", was.title, now.title)
    differ(f"{where}, roles", ", ".join(was.roles), ", ".join(now.roles))
    differ(f"{where}, reasons", ", ".join(was.reasons), ", ".join(now.reasons))
    differ(where, "switched off" if was.off else "applied", "switched off" if now.off else "applied")
    for number in dict.fromkeys([*was.numbers, *now.numbers]):
        differ(f"{where}, {number}", _dated(was.numbers.get(number)), _dated(now.numbers.get(number)))


def _dated(values: Mapping[date, int] | None) -> str:
    return "; ".join(f"{number} from {day}" for day, number in sorted((values or {}).items()))


def _read_as(reading: Reading | None) -> str:
    if reading is None:
        return ""
    if not reading.splits:
        return reading.meanings[reading.default]
    return "; ".join(f"{name}: {reading.meanings[reading.value(name)]}" for name in READINGS)


def _schedule(fees: Sequence[Fee], method: str) -> str:
    rows = sorted((fee for fee in fees if fee.method == method), key=lambda fee: fee.start)
    return "; ".join(
        f"{percent(fee.basis_points)} %"
        + "".join(f" + {money.plain(v, c)} {c}" for c, v in sorted(fee.fixed.items()))
        + f" from {fee.start}"
        for fee in rows
    )


def percent(points: int) -> str:
    """Hundredths of a percent as `2.5`."""
    return f"{(Decimal(points) / 100).normalize():f}"


def written(policy: Policy) -> tuple[str, str]:
    """The policy as the text of a document and of a schedule of fees ("" without fees): what `policy.read` reads."""
    lines = [
        f"title = {_text(policy.title)}",
        f"in_force_from = {policy.in_force_from}",
        f"zone = {_text(policy.zone)}",
    ]
    for clause in policy.clauses.values():
        lines += ["", *_clause(clause)]
    for term in policy.terms.values():
        lines += ["", f"[terms.{_key(term.id)}]", f"word = {_text(term.word)}"]
        lines += [f"meaning = {_text(term.meaning)}"] if term.meaning else []
    for paper in policy.documents.values():
        lines += ["", f"[documents.{_key(paper.id)}]", f"title = {_text(paper.title)}"]
        lines += ["supplied = true"] if paper.supplied else []
    for reading in policy.readings.values():
        lines += ["", *_reading(reading)]
    return "\n".join(lines) + "\n", "\n".join(line for fee in policy.fees for line in _fee(fee))


def _clause(clause: Clause) -> list[str]:
    lines = [
        f"[clauses.{_key(clause.id)}]",
        f"title = {_text(clause.title)}",
        f"paragraph = {clause.paragraph}",
        f"roles = {_list(clause.roles)}",
        f"reasons = {_list(clause.reasons)}",
        *(["off = true"] if clause.off else []),
        *_said(clause.said),
        f"text = {_text(clause.text)}",
    ]
    for name, dated in clause.numbers.items():
        lines.append(f"[clauses.{_key(clause.id)}.{_key(name)}]")
        lines += [f"{day.isoformat()} = {number}" for day, number in sorted(dated.items())]
    return lines


def _said(said: Published) -> list[str]:
    lines = []
    if said.window:
        start = f"start = {_text(said.window.start)}, " if said.window.start else ""
        event, number = _text(said.window.event), _text(said.window.number)
        lines.append(f"window = {{ event = {event}, {start}number = {number} }}")
    if said.in_full:
        lines.append("in_full = true")
    lists = ("excludes", "excepts", "terms", "documents")
    return lines + [f"{key} = {_list(names)}" for key in lists if (names := getattr(said, key))]


def _reading(reading: Reading) -> list[str]:
    lines = [
        f"[readings.{_key(reading.id)}]",
        f"title = {_text(reading.title)}",
        f"clauses = {_list(reading.clauses)}",
        *([f"parts = {_list(reading.parts)}"] if reading.parts else []),
    ]
    if reading.splits:
        lines += [f"{name} = {_text(reading.value(name))}" for name in READINGS]
    else:
        lines.append(f"reading = {_text(reading.default)}")
    lines += [f"leans = {_text(reading.leans)}"] if reading.leans else []
    lines += [f"settles = {_text(reading.settles)}"] if reading.settles else []
    lines += [f"why = {_text(reading.why)}", f"[readings.{_key(reading.id)}.meanings]"]
    return lines + [f"{_key(value)} = {_text(meaning)}" for value, meaning in reading.meanings.items()]


def _fee(fee: Fee) -> list[str]:
    fixed = ", ".join(f"{code} = {_text(money.plain(amount, code))}" for code, amount in fee.fixed.items())
    return [
        "[[fee]]",
        f"method = {_text(fee.method)}",
        f"from = {fee.start.isoformat()}",
        f"percent = {_text(percent(fee.basis_points))}",
        *([f"fixed = {{ {fixed} }}"] if fixed else []),
        "",
    ]


def _key(name: str) -> str:
    bare = name.isascii() and name.replace("_", "").replace("-", "").isalnum()
    return name if bare else _text(name)


def _text(text: str) -> str:
    """A basic string of TOML: what JSON writes of a text, and TOML's own ban on the delete character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _list(names: Sequence[str]) -> str:
    return f"[{', '.join(_text(name) for name in names)}]"


__all__ = ["Amendment", "amended", "changes", "difference", "percent", "written"]
