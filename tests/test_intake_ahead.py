"""Reading ahead: a copy of the process makes what comes next, in order, and nothing it meets is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from refundcore.intake import IntakeError
from refundcore.intake.ahead import ahead, possible

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system copies no processes")

PROJECT = Path(__file__).resolve().parent.parent


def _gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_what_is_made_ahead_comes_whole_and_in_order_from_another_process() -> None:
    def make() -> Iterator[tuple[int, int, str]]:
        for number in range(20):
            yield number, os.getpid(), "ü" * 200_000 + str(number)

    found = list(ahead(make))
    assert [(number, text) for number, _, text in found] == [(n, "ü" * 200_000 + str(n)) for n in range(20)]
    (pid,) = {pid for _, pid, _ in found}
    assert pid != os.getpid()
    assert _gone(pid)


def test_an_error_of_the_making_is_raised_where_the_items_are_taken_and_says_where_it_was() -> None:
    def make() -> Iterator[str]:
        yield "first"
        raise IntakeError("Row 7 is no row.")

    items = ahead(make)
    assert next(items) == "first"
    with pytest.raises(IntakeError, match="Row 7 is no row") as raised:
        next(items)
    assert str(raised.value) == "Row 7 is no row."
    assert "in make" in "".join(raised.value.__notes__)


def test_an_error_that_cannot_be_sent_is_told_all_the_same() -> None:
    class Odd(Exception):  # noqa: N818 - of this function alone, so that it cannot be pickled
        pass

    def make() -> Iterator[str]:
        yield from ()
        raise Odd("too odd")

    with pytest.raises(RuntimeError, match="too odd"):
        list(ahead(make))


def test_a_copy_that_is_ended_from_outside_is_noticed() -> None:
    def make() -> Iterator[int]:
        yield os.getpid()
        os.kill(os.getpid(), signal.SIGKILL)
        yield 0

    items = ahead(make)
    next(items)
    with pytest.raises(IntakeError, match=r"ended from outside \(status -9\)"):
        next(items)


def test_who_stops_taking_ends_the_copy() -> None:
    def make() -> Iterator[int]:
        while True:
            yield os.getpid()

    with closing(ahead(make)) as items:
        pid = next(items)
        assert not _gone(pid)
    assert _gone(pid)


def test_a_copy_ends_when_the_process_it_was_made_for_is_killed() -> None:
    script = """
        import os, signal
        from refundcore.intake.ahead import ahead
        def make():
            while True:
                yield os.getpid()
        print(next(ahead_ := ahead(make)), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    # Its output ends when the copy, which shares it, is gone too.
    done = subprocess.run(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert done.stdout.strip().isdecimal()


def test_a_process_with_other_threads_is_not_copied() -> None:
    if threading.active_count() == 1:
        assert possible()
    done = threading.Event()
    other = threading.Thread(target=done.wait)
    other.start()
    assert not possible()
    done.set()
    other.join()
