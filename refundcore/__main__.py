"""The desk's commands: `python -m refundcore COMMAND ...`, or shorter `./refund-desk COMMAND ...`.

Each command lives in its own file in `commands/` and is loaded only when it is asked for, so that judging a file
starts neither the server nor the store. What people can put right themselves ends in one sentence and status 2.
"""

from __future__ import annotations

import argparse
import importlib
import keyword
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

COMMANDS: Mapping[str, str] = {
    "serve": "start the desk",
    "evaluate": "judge the claims of a CSV file under the policy, without storing anything",
    "backtest": "try a changed policy on past claims, without storing anything",
    "import": "add the claims of a file to the desk",
    "user": "add people, list them, change their role or password, close their account",
    "digest": "list what is overdue, due soon or waiting for approval, or mail it",
    "verify": "check that the store is whole: every event, every sum, every verdict",
    "figures": "make the managers' figures anew from the claims",
    "journal": "print the journal's head, to be kept elsewhere and compared later",
    "certificate": "write the certificate of the decision on a claim",
    "erase": "erase a customer's personal data",
    "backup": "copy the store to a file, checked",
    "restore": "put a backup in the place of the store, checked",
    "retain": "let go of evidence and personal data of claims that were closed long ago",
    "doctor": "look whether everything the desk stands on is as it should be",
    "config": "print the settings of the program and where each comes from",
}
"""Command -> what it does. The code is in `commands/NAME.py` (`import_.py` for import): `add(subparsers)` makes its
parser, `run(args)` does it and returns the process's status."""

LAUNCHERS = ("run", "test", "check", "bench", "soak", "mutants")
"""Commands of the launcher `./refund-desk` itself; `run` is `serve` with everything set up."""

SETTINGS = Path(__file__).resolve().parents[1] / "refund-desk.toml"
"""The file of settings beside the program, if there is one."""

MEND = "Delete the folder .venv and start again: everything is set up anew."

USAGE, REFUSED, INTERRUPTED = 2, 2, 130


def main(words: Sequence[str] | None = None) -> int:
    """Run one command and return the process's status: 0 done, 1 as the command says, 2 refused, with a sentence."""
    given = list(sys.argv[1:] if words is None else words)
    name = given[0] if given else "--help"
    if name in {"-h", "--help", "help"}:
        print(overview())
        return 0
    if name not in COMMANDS:
        there = ", ".join((*LAUNCHERS, *COMMANDS))
        print(f"refund-desk: there is no command '{name}'. There are: {there}.", file=sys.stderr)
        return USAGE
    try:
        command = importlib.import_module(f"refundcore.commands.{name}{'_' if keyword.iskeyword(name) else ''}")
    except (ImportError, AttributeError) as problem:  # what a package that lost a file ends in
        sys.exit(f"refund-desk: the installed packages are damaged ({problem}). {MEND}")
    parser = argparse.ArgumentParser(prog="refund-desk")
    command.add(parser.add_subparsers(title="command", required=True))
    args = parser.parse_args(given)
    try:
        if os.environ.get("REFUND_DESK_CONFIG") or SETTINGS.is_file():
            from refundcore import configuration  # noqa: PLC0415 - only where there is a file

            configuration.into_environment()
        return int(command.run(args))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it closes it
        return 1
    except Exception as problem:
        if not expected(problem):
            raise
        print(f"refund-desk: {said(problem)}", file=sys.stderr)
        return REFUSED


def overview() -> str:
    """All commands with a line each."""
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {_sentence(what)}" for name, what in COMMANDS.items()]
    return "\n".join(["usage: refund-desk COMMAND ...", "", *lines, "", "refund-desk COMMAND --help tells more."])


def expected(problem: Exception) -> bool:
    """Whether this is something people can put right: a refusal of ours, or one of the operating system's."""
    ours = type(problem).__module__.partition(".")[0] == "refundcore"
    return ours or isinstance(problem, OSError | UnicodeDecodeError)


def said(problem: Exception) -> str:
    """An expected problem as one sentence."""
    if isinstance(problem, OSError) and problem.filename is not None:
        return f"{problem.filename}: {problem.strerror or problem}."
    return str(problem).replace("\n", " ") or type(problem).__name__


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


if __name__ == "__main__":
    sys.exit(main())
