"""The commands' front: what is loaded, what is told, with which status."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest
from serving import PASSWORD, PROJECT, environment

from refundcore import __main__ as main
from refundcore.__main__ import COMMANDS, expected, said
from refundcore.store import StoreError


def run(*words: str, data: Path, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "refundcore", *words],
        cwd=PROJECT, env=environment(data), input=given, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("words", [(), ("--help",), ("help",)], ids=str)
def test_the_overview_names_every_command_that_there_is(tmp_path, words):
    done = run(*words, data=tmp_path)
    assert done.returncode == 0
    assert all(f"  {name} " in done.stdout for name in COMMANDS)
    files = {path.stem.rstrip("_") for path in (PROJECT / "refundcore" / "commands").glob("[!_]*.py")}
    assert files == set(COMMANDS)


def test_a_command_that_there_is_not_is_told_in_a_sentence(tmp_path):
    done = run("explode", data=tmp_path)
    assert done.returncode == 2
    assert "there is no command 'explode'. There are: run, test, check, bench, soak, mutants, serve, " in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_tells_what_it_takes_without_opening_a_store(tmp_path, name):
    done = run(name, "--help", data=tmp_path / "desk")
    assert done.returncode == 0, done.stderr
    assert f"refund-desk {name}" in done.stdout
    assert not (tmp_path / "desk").exists()


LIGHT = {
    "evaluate": {"streamlit", "sqlalchemy", "alembic", "plotly", "starlette", "uvicorn", "jinja2", "argon2"},
    "backtest": {"streamlit", "plotly", "alembic", "uvicorn", "argon2", "dask", "distributed"},
    "import": {"streamlit", "plotly", "uvicorn", "jinja2"},
    "user": {"streamlit", "plotly", "uvicorn"},
    "verify": {"streamlit", "plotly", "uvicorn"},
    "backup": {"streamlit", "plotly", "uvicorn"},
    "figures": {"streamlit", "pandas", "plotly", "uvicorn", "sqlalchemy"},
    "restore": {"streamlit", "plotly", "uvicorn"},
    "retain": {"streamlit", "plotly", "uvicorn"},
    "doctor": {"streamlit", "plotly", "uvicorn"},
    "config": {"streamlit", "pandas", "sqlalchemy", "plotly", "uvicorn"},
    "journal": {"streamlit", "pandas", "plotly", "uvicorn"},
    "certificate": {"streamlit", "pandas", "plotly", "uvicorn"},
    "erase": {"streamlit", "pandas", "plotly", "uvicorn"},
    "digest": {"streamlit", "sqlalchemy", "plotly", "uvicorn", "pandas"},
    "serve": {"streamlit", "pandas", "sqlalchemy", "uvicorn"},
}
"""Command -> what it does not load before it has read its arguments (serve: so that a taken port is told at once)."""


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_loads_only_what_it_needs(tmp_path, name):
    code = (
        "import json, sys; from refundcore.__main__ import main\n"
        f"try: main([{name!r}, '--help'])\n"
        "except SystemExit: print(json.dumps(sorted({m.partition('.')[0] for m in sys.modules})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, env=environment(tmp_path), capture_output=True, text=True, check=True
    )
    assert set(json.loads(done.stdout.splitlines()[-1])) & LIGHT[name] == set()


def test_accounts_are_made_listed_and_changed_from_the_machine_itself(tmp_path):
    data = tmp_path / "desk"
    email = "ana@example.com"
    made = run("user", "add", email, "--name", "Ana", "--role", "manager", data=data, given=f"{PASSWORD}\n")
    assert (made.returncode, made.stdout) == (0, f"Ana can sign in as manager with {email}.\n")
    listed = run("user", "list", data=data)
    assert "manager" in listed.stdout
    assert "last seen never" in listed.stdout
    assert run("user", "role", email, "agent", data=data).returncode == 2
    assert run("user", "add", "max@example.com", "--name", "Max", "--role", "manager", data=data, given=PASSWORD).stdout
    assert run("user", "role", email, "agent", data=data).stdout == "Ana is agent now.\n"
    assert run("user", "disable", email, data=data).stdout == "The account of Ana is closed.\n"
    assert "(closed)" in run("user", "list", data=data).stdout
    assert run("user", "enable", email, data=data).stdout == "The account of Ana is open again.\n"
    assert run("user", "reset-password", email, data=data, given="nine slow blue lanterns\n").returncode == 0


@pytest.mark.parametrize(
    ("words", "given", "told"),
    [
        (["add", "x@example.com", "--name", "X"], "short\n", "The password has 5 characters; it needs at least 12."),
        (["add", "x@example.com", "--name", "X"], "", "The password has 0 characters"),
        (["add", "no address", "--name", "X"], PASSWORD, "has to look like name@example.com"),
        (["disable", "nobody@example.com"], "", "There is no account with the e-mail address nobody@example.com."),
    ],
    ids=["short password", "no password", "no address", "no account"],
)
def test_what_cannot_be_done_is_told_in_a_sentence(tmp_path, words, given, told):
    done = run("user", *words, data=tmp_path / "desk", given=given)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("refund-desk: ")


def test_a_store_that_is_none_is_told_in_a_sentence(tmp_path):
    (tmp_path / "refunds.db").write_text("no database at all, " * 100)
    done = run("user", "list", data=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("refund-desk: ")
    assert "Traceback" not in done.stderr


def test_refusals_are_expected_and_faults_are_not():
    assert expected(StoreError("x"))
    assert expected(FileNotFoundError(2, "No such file or directory", "a.csv"))
    assert said(FileNotFoundError(2, "No such file or directory", "a.csv")) == "a.csv: No such file or directory."
    assert not expected(ValueError("x"))
    assert not expected(KeyError("x"))


def test_every_direct_dependency_stands_in_the_lock_with_its_job():
    for stem in ("requirements", "requirements-dev"):
        lock = (PROJECT / f"{stem}.txt").read_text()
        lines = (PROJECT / f"{stem}.in").read_text().splitlines()
        wanted = [line.partition("#") for line in lines if line[:1].isalnum()]
        assert wanted
        for requirement, _, job in wanted:
            name = requirement.split(";")[0].split("==")[0].strip()
            assert job.strip(), f"{name} has no job beside it"
            assert f"\n# {name}: {job.strip()}\n{name}==" in lock


CLOCKS = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns"}


def test_only_the_clock_asks_what_time_it_is():
    sources = [*(PROJECT / "refundcore").rglob("*.py"), *(PROJECT / "pages").glob("*.py"), PROJECT / "app.py"]
    asking = {
        path.relative_to(PROJECT).as_posix()
        for path in sources
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in CLOCKS
    }
    assert asking == {"refundcore/clock.py"}


def test_packages_that_lost_a_file_are_told_with_what_to_do(monkeypatch):
    def broken(_):
        raise ImportError("cannot import name 'nothing' from 'numpy'")

    monkeypatch.setattr(main.importlib, "import_module", broken)
    with pytest.raises(SystemExit, match=r"Delete the folder \.venv and start again"):
        main.main(["verify"])


def test_an_unknown_command_names_those_of_the_launcher_too(capsys):
    main.main(["nonsense"])
    assert "There are: run, test, check, bench, " in capsys.readouterr().err
