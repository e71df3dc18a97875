"""Work done ahead: a copy of this process makes what comes next while this one works on what came before.

A file is read, converted and judged by the copy while the rows before are being stored, so that two processors work
on one import. The copy touches no database, and what it makes comes in the order in which it was made.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
import traceback
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from refundcore.intake.problems import IntakeError

ROOM = 1 << 20
"""Bytes that lie in the pipe between the two."""

NICE = 5
"""By how much the copy stands back for others who want the processor."""

GONE = (
    "The process that read the file was ended from outside (status {}), so the import was taken back. Begin it again."
)

Item = TypeVar("Item")

_ITEM, _END, _ERROR = range(3)


def possible() -> bool:
    """Whether this process can be copied: only one without other threads, whose locks the copy would find closed."""
    return hasattr(os, "fork") and threading.active_count() == 1


def ahead(make: Callable[[], Iterable[Item]]) -> Generator[Item]:
    """The items that `make` gives, made by a copy of this process one item ahead of the one who takes them.

    Close it to end the copy. Raises what making them raised, and `IntakeError` where the copy was ended from outside.
    """
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    with suppress(ImportError, OSError):  # a system that grants no more
        from fcntl import F_SETPIPE_SZ, fcntl  # noqa: PLC0415 - not there on every system

        fcntl(sender.fileno(), F_SETPIPE_SZ, ROOM)
    process = context.Process(target=_copy, args=(make, receiver, sender), daemon=True)
    process.start()
    sender.close()
    try:
        while True:
            try:
                kind, item = _receive(receiver)
            except EOFError:
                process.join()
                raise IntakeError(GONE.format(process.exitcode)) from None
            if kind == _END:
                return
            if kind == _ERROR:
                raise item
            yield item
    finally:
        receiver.close()
        process.terminate()
        process.join()


def _copy(make: Callable[[], Iterable[Any]], receiver: Connection, sender: Connection) -> None:
    """What the copy does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one who takes the items, who ends this process
    receiver.close()  # or nobody would be told when that one is gone
    os.nice(NICE)
    try:
        for item in make():
            _send(sender, _ITEM, item)
        _send(sender, _END, None)
    except BaseException as error:  # noqa: BLE001 - it is raised again where the items are taken
        _send(sender, _ERROR, _sendable(error))


def _send(sender: Connection, kind: int, item: object) -> None:
    """Send an item. It waits in this process until it is taken: one item is made ahead, and none lies about."""
    columns: list[pickle.PickleBuffer] = []  # sent as they lie in memory
    data = pickle.dumps((kind, item), protocol=pickle.HIGHEST_PROTOCOL, buffer_callback=columns.append)
    try:
        sender.send_bytes(len(columns).to_bytes(4))
        sender.send_bytes(data)
        for column in columns:
            sender.send_bytes(column.raw())
    except OSError:  # the one who took the items is gone
        os._exit(1)


def _receive(receiver: Connection) -> tuple[int, Any]:
    """What `_send` sent, of our own copy. Raises `EOFError` where the copy is gone."""
    count = int.from_bytes(receiver.recv_bytes())
    data, *columns = (receiver.recv_bytes() for _ in range(1 + count))
    kind, item = pickle.loads(data, buffers=columns)  # noqa: S301 - our own
    return kind, item


def _sendable(error: BaseException) -> BaseException:
    """The error, or one that says as much, where it cannot be sent; with where in the copy it was raised."""
    error.add_note("".join(traceback.format_exception(error)))
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    except Exception:  # noqa: BLE001 - whatever pickling it may raise
        return RuntimeError("".join(traceback.format_exception(error)))
    return error
