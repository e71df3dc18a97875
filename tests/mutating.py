"""Mutants of the rules, the deadlines, money, the rulebook and the store's guards: would a test notice?

    python tests/mutating.py [PART ...] [--sample N] [--seed N] [--only FILE:LINE]     as ./refund-desk mutants does

The mutants are cosmic-ray's; each is tried in a process forked from one that has the large packages loaded already, so
that a mutant costs what its tests cost. A change that only an annotation or a docstring shows is no mutant. It prints
the share killed and every survivor as FILE:LINE with its change; 0 where at least 90 % were killed.
"""

from __future__ import annotations

import argparse
import ast
import importlib.abc
import importlib.machinery
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
WANTED = 0.9
RULES = ("test_cases", "test_laws", "test_agreement", "test_oracle", "test_deadlines", "test_policy", "test_evaluate")
GUARDS = ("test_roles", "test_store_acts", "test_store_deciding", "test_store_payouts", "test_store_journal")
PARTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "rules": (("rules.py",), RULES),
    "deadlines": (("deadlines.py",), ("test_deadlines", "test_cases", "test_laws", "test_agreement")),
    "money": (("money.py",), ("test_money", "test_cases")),
    "rulebook": (
        ("rulebook/book.py", "rulebook/completions.py", "rulebook/known.py", "rulebook/reading.py",
         "rulebook/regions.py", "rulebook/verdicts.py"),
        (*RULES, "test_words", "test_promises"),
    ),
    "guards": (("store/roles.py", "store/acting.py", "store/limits.py"), (*GUARDS, "test_store_failures")),
}  # fmt: skip
"""Part -> its files in refundcore/, and the tests that answer for it."""

OPERATORS = (
    *(f"core/ReplaceBinaryOperator_{pair}" for pair in (
        "Add_Sub", "Sub_Add", "Mul_FloorDiv", "Div_Mul", "FloorDiv_Mul", "Mod_Mul", "Pow_Mul", "RShift_LShift",
        "LShift_RShift", "BitOr_BitAnd", "BitAnd_BitOr", "BitXor_BitAnd",
    )),
    *(f"core/ReplaceComparisonOperator_{pair}" for pair in (
        "Eq_NotEq", "NotEq_Eq", "Lt_LtE", "Lt_Gt", "LtE_Lt", "LtE_GtE", "Gt_GtE", "Gt_Lt", "GtE_Gt", "GtE_LtE",
        "Is_IsNot", "IsNot_Is",
    )),
    *(f"core/ReplaceUnaryOperator_{pair}" for pair in ("USub_UAdd", "Delete_USub", "Delete_Invert", "Delete_Not")),
    "core/AddNot", "core/ReplaceTrueWithFalse", "core/ReplaceFalseWithTrue", "core/ReplaceAndWithOr",
    "core/ReplaceOrWithAnd", "core/ReplaceBreakWithContinue", "core/ReplaceContinueWithBreak", "core/NumberReplacer",
    "core/ZeroIterationForLoop", "core/RemoveDecorator",
)  # fmt: skip
"""What is changed: each operator into its neighbour, so that no change is merely absurd."""


KNOWN: dict[tuple[str, str], str] = {
    ("deadlines.py", "lru_cache"): "what is kept for the next call is the same whether or how much of it is kept",
    ("deadlines.py", "int(x) // (DAY *"): "the table of years is made some years wider or narrower than it has to be",
    ("deadlines.py", "FIRST_YEAR - "): "the table of years is made some years wider or narrower than it has to be",
    ("deadlines.py", "[ -1])"): "the only element is the last one, too",
    ("deadlines.py", "np.clip("): "no day outside of the table is asked for",
    ("rulebook/", "lru_cache"): "what is kept for the next call is the same whether or how much of it is kept",
}
"""Survivors that no test could notice, and why: (file, part of the change) -> reason. They count as survivors."""


@dataclass(frozen=True)
class Mutant:
    """One change of one file."""

    file: str
    line: int
    change: str
    source: str


def mutants_of(file: str) -> Iterator[Mutant]:
    """All mutants of a file of refundcore/."""
    from cosmic_ray.ast import get_ast
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    source = (PROJECT / "refundcore" / file).read_text("utf-8")
    tree = get_ast(source)
    plain = _bare(source)
    seen = {plain}
    for name in OPERATORS:
        operator = get_operator(name)()
        count = sum(len(list(operator.mutation_positions(node))) for node in _nodes(tree))
        for occurrence in range(count):
            changed = mutate_code(source, operator, occurrence)
            if changed is None:
                continue
            bare = _bare(changed)
            if bare is None or bare in seen:
                continue
            seen.add(bare)
            before, after = source.splitlines(), changed.splitlines()
            at = next((n for n, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), len(after) - 1)
            was, now = before[at].strip(), after[at].strip()
            yield Mutant(file, at + 1, f"{was}  =>  {now}" if was != now else name, changed)


def _nodes(node: object) -> Iterator[object]:
    yield node
    for child in getattr(node, "children", ()):
        yield from _nodes(child)


class _Strip(ast.NodeTransformer):
    """What neither runs nor is looked at: annotations and docstrings."""

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        self.generic_visit(node)
        node.annotation = ast.Constant(None)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        node.returns = None
        return node


def _bare(source: str) -> str | None:
    try:
        return ast.dump(_Strip().visit(ast.parse(source)))
    except SyntaxError:
        return None


class _Instead(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives one module another source."""

    def __init__(self, module: str, file: Path, source: str) -> None:
        self.module, self.file, self.source = module, file, source

    def find_spec(self, name, path=None, target=None):  # noqa: ARG002 - the protocol's own
        if name != self.module:
            return None
        package = [str(self.file.parent)] if self.file.name == "__init__.py" else None
        spec = importlib.machinery.ModuleSpec(name, self, origin=str(self.file), is_package=package is not None)
        spec.has_location = True
        return spec

    def exec_module(self, module) -> None:
        exec(compile(self.source, str(self.file), "exec"), module.__dict__)  # noqa: S102 - that is the point


def killed(mutant: Mutant | None, tests: tuple[str, ...], longest: float) -> str:
    """Try one mutant in a process of its own: killed, timeout or survived. None: the code as it is."""
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        code = 3
        try:
            if mutant:
                path = PROJECT / "refundcore" / mutant.file
                module = "refundcore." + mutant.file.removesuffix(".py").replace("/", ".")
                sys.meta_path.insert(0, _Instead(module, path, mutant.source))
            import pytest

            files = [str(PROJECT / "tests" / f"{name}.py") for name in tests]
            code = int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-W", "ignore", *files]))
        except BaseException:  # noqa: BLE001 - what cannot even be imported is noticed
            code = 3
        os._exit(code)
    until = time.monotonic() + longest
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return "survived" if os.waitstatus_to_exitcode(status) == 0 else "killed"
        time.sleep(0.05)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "timeout"


def _load_large() -> None:
    """What every mutant would wait for; nothing of the desk's own."""
    os.chdir(PROJECT)
    os.environ["REFUND_SHARED"] = os.environ.get("REFUND_SHARED", str(PROJECT.parent / "shared"))
    sys.path[:0] = [str(PROJECT), str(PROJECT / "tests")]
    import hypothesis.stateful
    import numpy as np
    import pandas as pd
    import playwright.sync_api
    import pyarrow.compute
    import pytest
    import sqlalchemy.orm

    assert all((hypothesis, np, pd, playwright, pyarrow, pytest, sqlalchemy))
    assert not [name for name in sys.modules if name.startswith("refundcore")]


def main(words: list[str]) -> int:
    """Try the mutants of the named parts, or of all."""
    parser = argparse.ArgumentParser(prog="refund-desk mutants", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--sample", type=int, default=0, help="so many of each part, chosen by the seed (0: all)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="those of one line: FILE:LINE")
    parser.add_argument("--at-once", type=int, default=os.cpu_count() or 1)
    args = parser.parse_args(words)
    if unknown := set(args.parts) - set(PARTS):
        parser.error(f"there is no part {unknown.pop()}; there are {', '.join(PARTS)}")
    _load_large()
    total: Counter[str] = Counter()
    for part in args.parts or PARTS:
        files, tests = PARTS[part]
        found = [mutant for file in files for mutant in mutants_of(file)]
        if args.only:
            found = [mutant for mutant in found if f"{mutant.file}:{mutant.line}" == args.only]
        many = len(found)
        if args.sample and args.sample < many:
            found = random.Random(args.seed).sample(found, args.sample)  # noqa: S311 - a choice, no secret
        began = time.monotonic()
        if killed(None, tests, 900) != "survived":
            print(f"{part}: the tests fail without any mutant.", file=sys.stderr)
            return 2
        longest = max(60.0, (time.monotonic() - began) * 6)
        with ThreadPoolExecutor(args.at_once) as pool:
            results = list(pool.map(lambda mutant: killed(mutant, tests, longest), found))  # noqa: B023 - used at once
        for mutant, result in zip(found, results, strict=True):
            if result == "survived":
                why = next((text for (file, part), text in KNOWN.items()
                            if mutant.file.startswith(file) and part in mutant.change), "")  # fmt: skip
                print(f"  survived {mutant.file}:{mutant.line}  {mutant.change}{f'  ({why})' if why else ''}")
        counted = Counter(results)
        total += counted
        print(
            _figure(f"{part} ({len(found)} of {many} mutants, {time.monotonic() - began:.0f} s)", counted), flush=True
        )
    print(_figure("all", total))
    return 0 if _share(total) >= WANTED else 1


def _share(counted: Counter[str]) -> float:
    tried = counted.total()
    return 1 - counted["survived"] / tried if tried else 1.0


def _figure(name: str, counted: Counter[str]) -> str:
    return f"{name}: {_share(counted):.1%} killed, {counted['survived']} of {counted.total()} survived"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
