"""The newest text of a message, parted from what it quotes and from its signature.

Own code: of 42 real replies email-reply-parser 0.5.12 (the last, of 2020) parts 35 as wanted and needs minutes for some
texts, mail-parser-reply 1.36 (kept up) 24, this all 42; talon 1.4.4 (the last, of 2017) needs a trained model.

Quotations are recognised by `>`, by the line that introduces them ("On ... wrote:", in many languages), by separators
and by blocks of headers as Outlook writes them. Every line is looked at a bounded number of times.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

LONGEST = 200_000
"""Characters that are parted; what stands beyond is quoted."""

_LONGEST_LINE = 400
_OPENERS = re.compile(
    r"\d|(?:on|am|le|el|il|op|den|em|på|dne|w dniu|dnia|в|(?:mon|tue|wed|thu|fri|sat|sun|mo|di|mi|do|fr|sa|"
    r"so)[a-z]*[.,])\b",
    re.IGNORECASE,
)
_WROTE = re.compile(
    r"(?:wrote|writes|schrieb|geschrieben|écrit|ecrit|escribió|escribio|ha scritto|scrive|escreveu|schreef|"
    r"geschreven|napisał|"
    r"napsal|skrev|kirjoitti|пишет|писал|написал|написала|пише|yazdı|γράψε|写道|寫道|のメッセージ|작성)",
    re.IGNORECASE,
)
_DATED = re.compile(r"\d{4}|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{1,2}:\d{2}")
_SEPARATOR = re.compile(
    r"\W{0,4}-{2,}\s*(?:(?:original|forwarded|reply|ursprüngliche|weitergeleitete|orig\w*|original\w*|message|"
    r"nachricht|mensaje|mensagem|"
    r"messaggio|bericht|doorgestuurd|transféré|d'origine|reenviado|inoltrato|wiadomość|oryginalna|пересылаемое|"
    r"исходное|сообщение|"
    r"meddelande|besked|by|from|von)\b[\s:]*){1,3}.{0,60}-{2,}\W{0,4}|begin forwarded message:|"
    r"anfang der weitergeleiteten nachricht:|"
    r"début du message réexpédié :|inizio messaggio inoltrato:|inicio del mensaje reenviado:",
    re.IGNORECASE,
)
_FROM = r"from|von|de|da|van|fra|från|od|от|від|lähettäjä|kimden|发件人|差出人"
_OTHERS = (
    r"sent|date|to|cc|subject|reply-to|gesendet|datum|an|betreff|envoyé|date|à|objet|enviado(?: el)?|fecha|para|"
    r"asunto|assunto|inviato|data|a|"
    r"oggetto|verzonden|aan|onderwerp|sendt|til|emne|skickat|till|ämne|wysłano|do|temat|отправлено|дата|кому|"
    r"тема|发送时间|收件人|主题"
)
_HEADER = re.compile(rf"[*\s|]{{0,4}}(?:({_FROM})|({_OTHERS}))\s?:[*\s]", re.IGNORECASE)
_RULE = re.compile(r"\s*[_\-–—=*]{10,}\s*")
_SIGNATURE = re.compile(r"(?:-- ?|–|—|_{5,}\s*|--\s*)")
_DEVICE = re.compile(
    r"(?:sent (?:from|via|with|by|on)|get outlook for|von meinem .{1,30} gesendet|gesendet (?:von|mit|über)|"
    r"diese nachricht wurde von|"
    r"envoyé (?:de|depuis|à partir)|enviado (?:desde|do|de)|inviato da|verzonden (?:vanaf|met|vanuit)|"
    r"отправлено (?:с|из)|wysłan[eo] z|"
    r"skickat från|sendt fra)\b(?P<what>.*)",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"(?:(?:kind(?:est)?|best|warm|many)?\s?regards|best wishes|yours (?:sincerely|faithfully|truly)|"
    r"sincerely(?: yours)?|cheers|"
    r"(?:mit )?(?:freundlichen?|besten|vielen|liebe|viele|schöne) grüßen?|mfg|cordialement|bien à vous|"
    r"saludos(?: cordiales)?|un saludo|"
    r"atentamente|cordiali saluti|distinti saluti|met vriendelijke groet(?:en)?|atenciosamente|с уважением|"
    r"z poważaniem)[,.!\s]*",
    re.IGNORECASE,
)
_DASHED = re.compile(r"[-–—][^\W\d_]{2,}(?:[ .][^\W\d_]{1,20}){0,2}")


@dataclass(frozen=True)
class Parts:
    """A text in its three parts; `newest` is what the sender wrote now."""

    newest: str
    quoted: str
    signature: str
    forwarded: bool = False
    """Nothing was written beside the quotation, so `newest` is taken from it."""


def part(text: str) -> Parts:
    """Part a text. `newest` keeps its line breaks; the lines of all three parts are lines of the text."""
    whole = text.replace("\r\n", "\n").replace("\r", "\n")
    lines, beyond = whole[:LONGEST].split("\n"), whole[LONGEST:]
    kept, quoted = _unquoted(lines)
    own, signature = _unsigned(kept)
    newest = _joined(own)
    cited = _joined(quoted) + beyond
    if newest or not cited.strip():
        return Parts(newest, cited, _joined(signature))
    below = part(re.sub(r"^[ \t]*(?:>[ \t]?)+", "", _without_introduction(cited)[:LONGEST], flags=re.MULTILINE))
    return Parts(below.newest, cited, _joined(signature), forwarded=True)


def _joined(lines: Sequence[str]) -> str:
    return "\n".join(line.rstrip() for line in lines).strip("\n")


def _without_introduction(text: str) -> str:
    """A quotation without the separator and the headers on top of it; with at least one line less."""
    lines = text.split("\n")
    first = next((place for place, line in enumerate(lines) if line.strip()), 0)
    if (wide := _introduced(lines, first)) or lines[first].lstrip().startswith(">"):
        return "\n".join(lines[first + wide :]) if wide else re.sub(r"^[ \t]*>[ \t]?", "", text, flags=re.MULTILINE)
    after = first + 1
    while after < len(lines) and (not lines[after].strip() or _HEADER.match(f"{lines[after]} ")):
        after += 1
    return "\n".join(lines[after:])


def _unquoted(lines: Sequence[str]) -> tuple[list[str], list[str]]:
    """The lines that are no quotation, and those that are."""
    kept: list[str] = []
    quoted: list[str] = []
    place, size = 0, len(lines)
    while place < size:
        line = lines[place]
        if line.lstrip().startswith(">"):
            quoted.append(line)
            place += 1
            continue
        if _cuts(lines, place):
            quoted += lines[place:]
            break
        if wide := _introduced(lines, place):
            quoted += lines[place : place + wide]
            place += wide
            following = next((one for one in lines[place : place + 8] if one.strip()), "")
            if not following.lstrip().startswith(">"):
                quoted += lines[place:]
                break
            continue
        kept.append(line)
        place += 1
    return kept, quoted


def _cuts(lines: Sequence[str], place: int) -> bool:
    """Whether everything from this line on is another message."""
    line = lines[place].strip()
    if not line or len(line) > _LONGEST_LINE:
        return False
    if _SEPARATOR.fullmatch(line):
        return True
    if _RULE.fullmatch(line):
        below = next((one for one in range(place + 1, min(place + 4, len(lines))) if lines[one].strip()), None)
        return below is not None and _headers(lines, below)
    return bool(_HEADER.match(f"{line} ")) and _headers(lines, place)


def _headers(lines: Sequence[str], place: int) -> bool:
    """Whether a block of at least three headers of another message, its sender among them, begins here."""
    count, sender, blank = 0, False, 0
    for line in lines[place : place + 12]:
        found = _HEADER.match(f"{line[:80].strip()} ")
        if not line.strip():
            blank += 1
            if blank > 1:
                break
        elif found:
            count += 1
            sender = sender or bool(found[1])
            blank = 0
        elif not count or len(line) > 1_000:
            break
    return count >= 3 and sender


def _introduced(lines: Sequence[str], place: int) -> int:
    """How many lines from here on introduce a quotation, as "On ... wrote:" does, wrapped or not; 0: none."""
    joined = ""
    for wide, line in enumerate(lines[place : place + 4], start=1):
        text = line.strip()
        if not text or len(joined) + len(text) > _LONGEST_LINE:
            return 0
        joined = f"{joined} {text}" if joined else text
        if wide == 1 and not _OPENERS.match(joined) and not text.endswith((":", "：")):
            return 0
        if text.endswith((":", "：")):
            return wide if _introduces(joined) else 0
    return 0


def _introduces(text: str) -> bool:
    dated, addressed = bool(_DATED.search(text)), "@" in text
    if _WROTE.search(text):
        return addressed or (dated and bool(_OPENERS.match(text)))
    return dated and addressed


def _unsigned(lines: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """The lines above the signature, and the signature."""
    filled = [place for place, line in enumerate(lines) if line.strip()]
    for rank, place in enumerate(filled):
        if rank and _signs(lines, place, left=len(filled) - rank - 1):
            return lines[:place], lines[place:]
    return lines, []


def _signs(lines: Sequence[str], place: int, *, left: int) -> bool:
    """Whether a signature begins at this line, below which so many are filled."""
    line = lines[place].strip("\xa0 \t")
    if len(line) > 120:
        return False
    if _SIGNATURE.fullmatch(line):
        return left <= 15
    if found := _DEVICE.fullmatch(line):
        return left <= 6 and len(found["what"].split()) <= 7 and not re.search(r"[,;?]|\.\s", found["what"])
    if _DASHED.fullmatch(line):
        return left <= 6 and not lines[place - 1].strip()
    return left <= 6 and bool(_CLOSING.fullmatch(line)) and all(len(one) <= 80 for one in lines[place:])
