"""HTML to plain text: nothing is loaded, run or followed, and the time taken grows with the length alone.

Tags are skipped one after the other; a quotation gets `> ` before its lines, as in plain mail.
"""

from __future__ import annotations

import html
import re

LONGEST = 2_000_000
"""Characters of HTML that are read; the rest is left out."""

_SILENT = frozenset({"script", "style", "title", "template", "noscript", "svg", "math", "xml", "textarea", "select"})
_SPACED = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol", "hr"})
_BLOCKS = _SPACED | {
    *("address", "article", "aside", "body", "center", "dd", "div", "dl", "dt", "fieldset", "figure", "footer", "form"),
    *("header", "html", "li", "main", "nav", "pre", "section", "tr"),
}
_MOST_QUOTED = 20
_NAME = re.compile(r"/?([a-zA-Z][a-zA-Z0-9]{0,19})")
_BLANKS = re.compile(r"[ \t\r\n\f\v]+")


def text_of(source: str) -> str:
    """The text of a piece of HTML."""
    return _Writer().written(source[:LONGEST])


class _Writer:
    """The lines so far, and where we are: within which silent tag, how deep in quotations, in preformatted text."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._line: list[str] = []
        self._quoted = 0
        self._formatted = 0

    def written(self, source: str) -> str:
        place, size, lower = 0, len(source), ""
        while place < size:
            start = source.find("<", place)
            if start < 0:
                self._text(source[place:])
                break
            self._text(source[place:start])
            if source.startswith("<!--", start):
                end = source.find("-->", start + 4)
                if end < 0:
                    break
                place = end + 3
                continue
            name = _NAME.match(source, start + 1)
            if not name and source[start + 1 : start + 2] not in {"!", "?"}:
                self._text("<")
                place = start + 1
                continue
            end = source.find(">", start + 1)
            if end < 0:
                break
            place = end + 1
            if not name:
                continue
            tag, closing = name[1].lower(), source[start + 1] == "/"
            if tag in _SILENT and not closing and source[end - 1] != "/":
                lower = lower or source.lower()
                place = lower.find(f"</{tag}", place)
                if place < 0:
                    break
                continue
            self._tag(tag, closing=closing)
        self._break()
        return re.sub(r"\n{3,}", "\n\n", "\n".join(self._lines)).strip("\n")

    def _text(self, piece: str) -> None:
        if not piece:
            return
        shown = html.unescape(piece).replace("\xa0", " ")
        if self._formatted:
            first, *others = shown.replace("\r\n", "\n").split("\n")
            self._line.append(first)
            for line in others:
                self._break(empty=True)
                self._line.append(line)
            return
        self._line.append(_BLANKS.sub(" ", shown))

    def _tag(self, tag: str, *, closing: bool) -> None:
        if tag == "br":
            self._break(empty=True)
        elif tag == "blockquote":
            self._break()
            self._quoted = min(max(0, self._quoted + (-1 if closing else 1)), _MOST_QUOTED)
        elif tag in {"td", "th"} and not closing:
            self._line.append(" ")
        elif tag in _BLOCKS:
            self._break()
            if tag in _SPACED and self._lines and self._lines[-1].strip("> "):
                self._lines.append("> " * self._quoted)
            if tag == "pre":
                self._formatted = max(0, self._formatted + (-1 if closing else 1))
            elif tag == "li" and not closing:
                self._line.append("- ")

    def _break(self, *, empty: bool = False) -> None:
        line = "".join(self._line)
        line = line.rstrip() if self._formatted else _BLANKS.sub(" ", line).strip(" ")
        self._line.clear()
        if line or empty:
            self._lines.append("> " * self._quoted + line)
