"""A served desk with people, and the socket that its pages talk through, spoken as a browser speaks it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from serving import COOKIE, PASSWORD, Desk, served_desk
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

GATE_PROJECT = Path(__file__).with_name("gate_project")
"""A small project that tells who one is, with an image, an upload and a page that nobody is given."""


@contextmanager
def gated_desk(folder: Path) -> Iterator[Desk]:
    """The small project behind the desk's gate, with a manager (1, mia) and an agent (2, ana)."""
    with served_desk(folder, project=GATE_PROJECT) as served:
        served.sign_up()
        made = served.command("user", "add", "ana@example.com", "--name", "Ana Agent", given=PASSWORD)
        assert made.returncode == 0, made.stderr
        yield served


def stream(
    desk: Desk, token: str = "", *, origin: str | None = None, resume: str = "", **headers: str
) -> ClientConnection:
    """Open the socket that a page talks through; `resume` asks for an earlier session of Streamlit's."""
    sent = dict(headers) | ({"Cookie": f"{COOKIE}={token}"} if token else {})
    protocols = ["streamlit", "x", resume] if resume else ["streamlit"]
    return connect(
        f"ws://127.0.0.1:{desk.port}/_stcore/stream", additional_headers=sent, origin=origin,
        subprotocols=protocols, max_size=None, proxy=None, open_timeout=30,
    )  # fmt: skip


def run_page(connection: ClientConnection, page: str = "", *, by_itself: bool = False) -> list[ForwardMsg]:
    """Have the script run as a browser does; all messages until it has finished."""
    told = BackMsg()
    told.rerun_script.page_name = page
    told.rerun_script.is_auto_rerun = by_itself
    connection.send(told.SerializeToString())
    messages = []
    while not messages or messages[-1].WhichOneof("type") != "script_finished":
        message = ForwardMsg()
        message.ParseFromString(connection.recv(timeout=30))
        messages.append(message)
    return messages


def texts(messages: list[ForwardMsg]) -> str:
    return " ".join(m.delta.new_element.text.body for m in messages if m.WhichOneof("type") == "delta")


def session_of(messages: list[ForwardMsg]) -> str:
    return next(m.new_session.initialize.session_id for m in messages if m.WhichOneof("type") == "new_session")


def close_code(connection: ClientConnection, within: float = 10.0) -> int:
    """The code that the socket is closed with."""
    with pytest.raises(ConnectionClosed) as closed:  # noqa: PT012 - some messages may come before
        while True:
            connection.recv(timeout=within)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code
