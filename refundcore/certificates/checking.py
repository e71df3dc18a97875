"""Checking a certificate: what of it was changed, by itself and beside the store."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from typing import Any

from refundcore.certificates.making import ERASED, KIND, law, of
from refundcore.certificates.printing import DATA, as_page
from refundcore.certificates.sealing import HASH, SEALS, as_json, hash_of, lines_of, places, seals
from refundcore.store import Impossible, Store
from refundcore.store.chain import PERSONAL, commitment, event_hash
from refundcore.store.proof_reading import decided, event_of, status_of

LARGEST = 4 * 2**20
"""Bytes of a file that is looked at."""


@dataclass(frozen=True)
class Checked:
    """What became of checking a certificate."""

    good: bool
    sentence: str
    field: str = ""
    """The first field that was changed, such as `decision/refund`; "" where none was or it cannot be told."""


class _Wrong(Exception):  # noqa: N818 - carries the sentence and the field
    def __init__(self, sentence: str, field: str = "") -> None:
        super().__init__(sentence)
        self.field = field


def check(data: bytes, store: Store | None = None) -> Checked:
    """Check a certificate, JSON or page, by itself and, where a store is given, beside what the store holds."""
    try:
        text = _text(data)
        found = _content(text)
        ref = str(found["claim"]["reference"])
        _check_event(found)
        remark = "" if store is None else _beside(found, store)
    except _Wrong as wrong:
        return Checked(good=False, sentence=str(wrong), field=wrong.field)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError):
        return Checked(good=False, sentence=f"The file is sealed, but is no “{KIND}”: something in it is missing.")
    sentence = f"The certificate of claim {ref} is as it was made{remark}."
    return Checked(good=True, sentence=sentence)


def _text(data: bytes) -> str:
    if len(data) > LARGEST:
        raise _Wrong("The file is too large to be a certificate.")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        raise _Wrong(f"{_near(before)}: a byte that belongs to no text.", _field_before(before)) from error


def _content(text: str) -> dict[str, Any]:
    """The content of a certificate whose every byte is as it was written."""
    found = re.search(f'<pre id="{DATA}">(.*?)</pre>', text, re.DOTALL)
    if found is None or text.startswith("{"):
        return _sealed(text)
    try:
        content = _sealed(html.unescape(found[1]))
    except _Wrong as wrong:
        raise _Wrong(f"In the data at the end of the page: {wrong}", wrong.field) from wrong
    expected = as_page(content)
    if expected != text:
        place = _differs(text, expected)
        named = re.findall(r'data-field="([^"]*)"', expected[: place + 1])
        field = html.unescape(named[-1]) if named else ""
        raise _Wrong(f"Line {_line(text, place)} of the page, at {field or 'its head'}, was changed.", field)
    return content


def _sealed(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        before = text[: min(error.pos, _first_odd(text))]
        raise _Wrong(
            f"{_near(before)}: the file cannot be read from there ({error.msg}).", _field_before(before)
        ) from None
    except (ValueError, RecursionError) as error:
        raise _Wrong(f"The file cannot be read: {error}.") from None
    if not isinstance(content, dict):
        raise _Wrong("This is no certificate: it holds no fields.")
    kept = content.get(SEALS)
    if not isinstance(kept, dict) or not isinstance(content.get(HASH), str):
        name = HASH if isinstance(kept, dict) else SEALS
        raise _Wrong(f"The field {name} is missing or changed.", name)
    _check_seals(content, kept)
    expected = as_json(content)
    if text != expected:
        place = _differs(text, expected)
        before = expected[:place]
        raise _Wrong(f"{_near(before)}: written otherwise than a certificate is.", _field_before(before))
    return content


def _check_seals(content: dict[str, Any], kept: dict[str, Any]) -> None:
    """Name the first field that its seal does not fit; or the seal, where that is what was changed."""
    fresh = seals(content)
    differing = [name for name in (*fresh, *kept) if fresh.get(name) != kept.get(name)]
    if differing:
        of_seals = hash_of({**content, SEALS: fresh}) == content[HASH]
        sealed, there = (fresh, kept) if of_seals else (kept, fresh)
        lost = [name for name in differing if name in sealed and name not in there]
        strange = [name for name in differing if name in there and name not in sealed]
        name = (lost or strange or differing)[0]
        now = (strange or [name])[0]
        field = f"{SEALS}/{name.replace('~', '~0').replace('/', '~1')}" if of_seals else name
        at = f"{SEALS}/{now.replace('~', '~0').replace('/', '~1')}" if of_seals else now
        line = lines_of(content).get(at, 0)
        where = f"Line {line}: the" if line else "The"
        renamed = f"; its name is {now!r} now" if now != name else ""
        raise _Wrong(f"{where} {'seal of ' if of_seals else ''}field {name} was changed{renamed}.", field)
    extra = [place for place, _ in places({SEALS: kept}) if place == SEALS]
    if extra or hash_of(content) != content[HASH]:
        raise _Wrong(f"Line {lines_of(content).get(HASH, 0)}: the field hash was changed.", HASH)


def _check_event(found: dict[str, Any]) -> None:
    """The events hash to what is said of them, and the facts are those of the event."""
    event = found["journal"]["event"]
    for name, each in found["journal"].items():
        if each is not None and each["hash"] != event_hash(
            each["claim"], each["seq"], each["at"], each["person"], each["kind"], each["body"], each["before"]
        ):
            raise _Wrong(f"The field journal/{name}/hash is not the hash of that event.", f"journal/{name}/hash")
    body = json.loads(event["body"])
    _same(
        body["facts"], {name: fact["value"] for name, fact in found["facts"].items()}, event["salt"], "facts", "/value"
    )
    decision = found["decision"]
    told = {name: decision[name] for name in ("outcome", "reason", "reply")}
    told["override"] = decision["against_the_policy"]
    told |= {name: decision[name] and decision[name]["minor_units"] for name in ("refund", "fee")}
    _same({name: body[name] for name in told}, told, event["salt"], "decision")
    _same({name: body[name] for name in ("verdict", "clause")}, found["verdict"], event["salt"], "verdict")
    if body["policy"] != found["policy"]["fingerprint"]:
        raise _Wrong("The field policy/fingerprint is not what the event says.", "policy/fingerprint")


def _same(body: dict[str, Any], told: dict[str, Any], salt: str, part: str, end: str = "") -> None:
    """What an event says and what the certificate says of it."""
    for name, value in body.items():
        if name.endswith("_latest"):
            continue
        given = told.get(name)
        if name in PERSONAL and value:
            good = given == ERASED if not salt else value == commitment(salt, name, given)
        else:
            good = given == value
        if not good:
            raise _Wrong(f"The field {part}/{name} is not what the event says.", f"{part}/{name}{end}")


def _beside(found: dict[str, Any], store: Store) -> str:
    """Compare with the store; a remark on what became of the decision since."""
    ref = found["claim"]["reference"]
    for name, each in found["journal"].items():
        if each is None:
            continue
        kept = event_of(store, each["id"])
        if kept is None:
            raise _Wrong(f"The store has no event {each['id']} (journal/{name}).", f"journal/{name}/id")
        if kept["hash"] != each["hash"]:
            field = f"journal/{name}/hash"
            raise _Wrong(f"The store's event {each['id']} is another than that of the certificate ({field}).", field)
    status = status_of(store, found["journal"]["event"]["id"])
    if status != "standing":
        return f", and the store holds its event; the decision was {status or 'removed'} since"
    try:
        made = decided(store, ref)
        now = of(made, law(store, made))
    except Impossible as refusal:
        raise _Wrong(f"The store says otherwise: {refusal}", "claim/reference") from refusal
    if not (now["policy"]["same"] and found["policy"]["same"]):
        return ", and the store holds its event; the policy's document was changed since"
    erased = not now["journal"]["event"]["salt"] and bool(found["journal"]["event"]["salt"])
    mine, theirs = seals(found), seals(now)
    for place in (*mine, *theirs):
        if mine.get(place) != theirs.get(place) and not (erased and _personal(place)):
            raise _Wrong(f"The field {place} is not what the store says.", place)
    return ", and the store says the same" + ("; its customer's data was erased there since" if erased else "")


def _personal(place: str) -> bool:
    """Whether a field may differ once a customer's data was erased: personal ones, and sentences made from them."""
    parts = place.split("/")
    return bool(PERSONAL & set(parts)) or parts[0] in {"clauses", "verdict", "deadlines"} or parts[-1] == "salt"


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the field {twice} stands in it twice")
    return found


def _no_constant(name: str) -> Any:  # noqa: ANN401 - never returns
    raise ValueError(f"{name} is no value of a certificate")


def _differs(text: str, expected: str) -> int:
    pairs = enumerate(zip(text, expected, strict=False))
    return next((place for place, (one, other) in pairs if one != other), min(len(text), len(expected)))


def _line(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1


def _field_before(text: str) -> str:
    named = re.findall(r'"([^"\\\n]+)"\s*:', text)
    return named[-1] if named else ""


def _first_odd(text: str) -> int:
    """Where the first line ends that is not as a certificate writes it: its depth, its comma, its kind of bracket."""
    lines = text.split("\n")
    open_, at = "", 0
    for number, line in enumerate(lines[:-1]):
        at += len(line) + 1
        body = line.strip().removesuffix(",")
        closes = body if body in {"}", "]"} else ""
        if closes:
            if open_[-1:] != {"}": "{", "]": "["}[closes]:
                return at - 1
            open_ = open_[:-1]
        opens = body[-1:] if body[-1:] in {"{", "["} else ""
        ends = opens or len(lines) - number <= 2 or lines[number + 1].strip().removesuffix(",") in {"}", "]"}
        named = not closes and body.startswith('"') and '": ' in body
        wants_name = not closes and open_.endswith("{")
        if line[: len(line) - len(line.lstrip())] != " " * len(open_) or line.endswith(",") == bool(ends):
            return at - 1
        if wants_name and not named:
            return at - 1
        open_ += opens
    return len(text)


def _near(before: str) -> str:
    field = _field_before(before)
    return f"Line {_line(before, len(before))}, at or after the field {field}" if field else "At its beginning"
