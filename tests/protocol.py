"""A small client of the pages' protocol: it says what a browser never would.

with Tab(desk, token, "queue") as tab:
    tab.texts            what the page says
    tab.id_of("save")    the id of a widget's key
    tab.press("save")    press a button, in the fragment it stands in
    tab.send(page_script_hash=..., fragment_id=...)   anything at all
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from serving import PROJECT, Desk
from streaming import stream
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.exceptions import ConnectionClosed

WORDS = ("text", "markdown", "heading", "alert", "code")


@dataclass
class Tab:
    """One tab of a browser on a page of a desk."""

    desk: Desk
    token: str
    page: str = ""
    query: str = ""
    _opened: ExitStack = field(default_factory=ExitStack)
    connection: Any = None
    session: str = ""
    hashes: dict[str, str] = field(default_factory=dict)
    """Page -> its script's hash, as the desk told it."""
    elements: list[Any] = field(default_factory=list)
    fragments: dict[str, str] = field(default_factory=dict)
    """Id of a widget -> id of the fragment it was drawn in."""
    messages: list[ForwardMsg] = field(default_factory=list)
    tabs: str = ""
    """Id of the last row of tabs."""

    def __enter__(self) -> Self:
        self.connection = self._opened.enter_context(stream(self.desk, self.token))
        self.run(page_name=self.page)
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def send(self, **values: Any) -> None:
        """Send one message of the kind that has the script run, with these fields."""
        told = BackMsg()
        states = values.pop("states", ())
        for name, value in {"query_string": self.query, **values}.items():
            setattr(told.rerun_script, name, value)
        told.rerun_script.widget_states.widgets.extend(states)
        self.connection.send(told.SerializeToString())

    def run(self, **values: Any) -> Tab:
        """Have the script run, and take in what it draws."""
        self.send(**values)
        return self.take()

    def take(self) -> Tab:
        """Take in what comes until a run has finished. A run of the whole page draws it anew."""
        self.messages = []
        while True:
            message = ForwardMsg()
            message.ParseFromString(self.connection.recv(timeout=30))
            self.messages.append(message)
            kind = message.WhichOneof("type")
            if kind == "new_session":
                self.session = message.new_session.initialize.session_id or self.session
                self.hashes.update({page.url_pathname: page.page_script_hash for page in message.new_session.app_pages})
                self.elements = []
            if kind == "navigation":
                self.hashes.update({page.url_pathname: page.page_script_hash for page in message.navigation.app_pages})
            if kind == "delta" and message.delta.WhichOneof("type") == "new_element":
                element = message.delta.new_element
                self.elements.append(element)
                if number := _id_of(element):
                    self.fragments[number] = message.delta.fragment_id
            if kind == "delta" and message.delta.WhichOneof("type") == "add_block":
                self.tabs = message.delta.add_block.tab_container.id or self.tabs
            if kind == "script_finished":
                return self

    @property
    def texts(self) -> str:
        """All that the page says outside of its components."""
        found = []
        for element in self.elements:
            kind = element.WhichOneof("type")
            if kind in WORDS:
                found.append(str(getattr(getattr(element, kind), "body", "")))
            if kind == "code_block":
                found.append(element.code_block.code_text)
        return "\n".join(found)

    @property
    def drawn(self) -> str:
        """Everything that came, as the bytes that a browser gets."""
        return "\n".join(str(message) for message in self.messages)

    def id_of(self, key: str) -> str:
        """The id of a widget by its key."""
        return next(number for number in map(_id_of, self.elements) if number.endswith(f"-{key}"))

    def has(self, key: str) -> bool:
        """Whether the page has a widget of this key."""
        return any(number.endswith(f"-{key}") for number in map(_id_of, self.elements))

    def press(self, key: str, states: tuple[WidgetState, ...] = (), **values: Any) -> Tab:
        """Press a button."""
        return self.run(states=[*states, pressed(self.id_of(key))], page_script_hash=self.hash, **values)

    @property
    def hash(self) -> str:
        """The hash of the page that one is on."""
        return self.hashes.get(self.page, "")

    def closed(self, within: float = 15.0) -> int:
        """The code that the socket is closed with."""
        try:
            while True:
                self.connection.recv(timeout=within)
        except ConnectionClosed as end:
            return end.rcvd.code if end.rcvd else 0

    def media(self) -> Iterator[str]:
        """The addresses of images and files that the page shows."""
        for element in self.elements:
            kind = element.WhichOneof("type")
            if kind == "imgs":
                yield from (image.url for image in element.imgs.imgs)
            if kind == "download_button" and element.download_button.url:
                yield element.download_button.url


def pressed(widget: str) -> WidgetState:
    """A button's state when it was pressed."""
    return WidgetState(id=widget, trigger_value=True)


def typed(widget: str, text: str) -> WidgetState:
    """A field's state when something was typed."""
    return WidgetState(id=widget, string_value=text)


def hash_of(page: str) -> str:
    """The hash that Streamlit gives a page's script: of its path."""
    return hashlib.md5(str(PROJECT / "pages" / f"{page}.py").encode(), usedforsecurity=False).hexdigest()


def _id_of(element: Any) -> str:
    inner = getattr(element, element.WhichOneof("type") or "", None)
    return str(getattr(inner, "id", "") or "")


def path_of(page: str) -> Path:
    return PROJECT / "pages" / f"{page}.py"
