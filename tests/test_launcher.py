"""The launcher in a folder of its own, with lock files that name nothing, so that each set-up takes a second or two."""

from __future__ import annotations

import ast
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from serving import PROJECT

LAUNCHER = PROJECT / "refund-desk"
SAYS = "import os, sys; print('ran', *sys.argv[1:], 'in', os.getcwd(), 'under', sys.prefix)"

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Signals and links of Unix.")


@pytest.fixture
def place(tmp_path) -> Path:
    """A project with the launcher, empty locks, and a package that tells how it was called."""
    folder = tmp_path / "a project"
    (folder / "refundcore").mkdir(parents=True)
    shutil.copy(LAUNCHER, folder)
    (folder / "refundcore" / "__init__.py").touch()
    (folder / "refundcore" / "__main__.py").write_text(SAYS)
    (folder / "requirements.txt").write_text("# nothing\n")
    (folder / "requirements-dev.txt").write_text("# nothing more\n")
    return folder


def launch(place: Path, *words: str, python: str = sys.executable, **more: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if k not in {"PYTHONPATH", "REFUND_DESK_BROWSER"}}
    return subprocess.run(
        [python, str(place / "refund-desk"), *words], cwd=place.parent, env=kept | more, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


def test_the_first_start_sets_up_and_later_ones_hand_over_at_once(place):
    first = launch(place, "run", "--port", "1")
    assert first.returncode == 0, first.stderr
    assert "Setting up, once" in first.stderr
    assert first.stdout == f"ran serve --port 1 in {place.parent} under {place / '.venv'}\n"
    later = launch(place, "evaluate", "some file.csv")
    assert later.stderr == ""
    assert later.stdout.startswith("ran evaluate some file.csv in ")


def test_files_that_lie_where_one_stands_are_not_run(place):
    (place.parent / "refundcore.py").write_text("print('not ours')")
    (place.parent / "csv.py").write_text("print('not ours')")
    (place / "refundcore" / "__main__.py").write_text("import csv; print(csv.__file__)")
    done = launch(place, "verify")
    assert done.returncode == 0, done.stderr
    assert str(place.parent) not in done.stdout


def test_the_status_of_the_command_is_the_launchers(place):
    (place / "refundcore" / "__main__.py").write_text("raise SystemExit(7)")
    assert launch(place, "verify").returncode == 7


def test_a_changed_lock_is_installed_anew(place):
    launch(place, "verify")
    (place / ".venv" / "left over").touch()
    assert "Setting up" not in launch(place, "verify").stderr
    (place / "requirements.txt").write_text("# something else\n")
    assert "Setting up" in launch(place, "verify").stderr
    assert not (place / ".venv" / "left over").exists()


def test_what_is_set_up_for_developing_serves_for_running_but_not_the_other_way_round(place):
    launch(place, "verify")
    assert "Setting up" in launch(place, "bench").stderr
    assert "Setting up" not in launch(place, "verify").stderr
    (place / "requirements-dev.txt").write_text("# changed\n")
    launch(place, "verify")
    assert "Setting up" not in launch(place, "bench").stderr


def test_a_set_up_that_was_cut_off_starts_again_from_nothing(place):
    process = subprocess.Popen([sys.executable, place / "refund-desk", "verify"], stderr=subprocess.DEVNULL)
    until = time.monotonic() + 30
    while not (place / ".venv" / "pyvenv.cfg").exists():
        assert time.monotonic() < until
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (place / ".venv" / "refund-desk.stamp").exists()
    (place / ".venv" / "half").touch()
    done = launch(place, "verify")
    assert done.returncode == 0, done.stderr
    assert "Setting up" in done.stderr
    assert not (place / ".venv" / "half").exists()


def test_two_starts_at_once_set_up_once(place):
    words = [sys.executable, str(place / "refund-desk"), "verify"]
    both = [subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    told = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert all(out.startswith("ran verify") for out, _ in told)
    assert sum("Set up in" in err for _, err in told) == 1


def test_packages_that_cannot_be_had_are_told_in_a_sentence_and_asked_for_again(place):
    (place / "requirements.txt").write_text("no-such-package-of-ours==1.0 --hash=sha256:" + "0" * 64 + "\n")
    for _ in range(2):
        done = launch(place, "run", PIP_NO_INDEX="1")
        assert done.returncode == 2
        assert "refund-desk: the packages could not be installed" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_package_without_its_hash_is_not_installed(place):
    (place / "requirements.txt").write_text("iniconfig==2.3.1\n")
    done = launch(place, "run")
    assert done.returncode == 2
    assert "require-hashes" in done.stderr


def test_an_old_python_is_told_so_in_a_sentence():
    text = LAUNCHER.read_text()
    ast.parse(text, feature_version=(3, 7))
    old = text.replace("sys.version_info < (3, 11)", "True").replace("sys.version_info[:2]", "(3, 9)")
    done = subprocess.run([sys.executable, "-c", old], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("refund-desk: needs Python 3.11 or newer; this is Python 3.9.")
    assert "Traceback" not in done.stderr


def test_a_python_without_venv_is_told_what_to_install(place):
    (place / "venv.py").write_text("raise SystemExit('Error: ensurepip is not available')")
    done = launch(place, "run", PYTHONPATH=str(place))
    assert done.returncode == 2
    assert f"apt install python3.{sys.version_info[1]}-venv" in done.stderr
    assert not (place / ".venv").exists()


def test_only_the_standard_library_is_needed():
    tree = ast.parse(LAUNCHER.read_text())
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names


def test_the_tests_fail_rather_than_leave_the_browser_out(place):
    launch(place, "bench")
    done = launch(place, "test", PATH="/nowhere")  # neither Chromium nor Playwright nor apt-get is to be found there
    assert done.returncode == 2
    assert "need Chromium or Chrome, and none could be got" in done.stderr


def test_a_figure_that_there_is_not_is_told_with_those_that_there_are(place):
    (place / "benchmarks").mkdir()
    (place / "benchmarks" / "judge.py").write_text("print('3x')")
    assert launch(place, "bench").stdout == "3x\n"
    done = launch(place, "bench", "speed")
    assert done.returncode == 2
    assert done.stderr.endswith("refund-desk: there is no figure 'speed'. There are: judge.\n")


def test_help_needs_no_set_up(place):
    done = launch(place, "--help")
    assert "./refund-desk run" in done.stdout
    assert not (place / ".venv").exists()


def test_developing_is_installed_on_top_so_that_a_running_desk_keeps_its_packages(place):
    launch(place, "verify")
    (place / ".venv" / "in use").touch()
    launch(place, "check")  # fails for want of its tools, after it is set up
    assert (place / ".venv" / "in use").exists()
    assert "Setting up" not in launch(place, "verify").stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="To root every file is open.")
def test_a_folder_that_one_may_not_enter_is_told(place):
    launch(place, "verify")
    (place / ".venv").chmod(0)
    done = launch(place, "verify")
    (place / ".venv").chmod(0o700)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
