"""What all tests share: profiles of generated cases, the desk's own folder, the shared files, the browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from playwright.sync_api import Browser, sync_playwright

PROJECT = Path(__file__).resolve().parent.parent

settings.register_profile("dev", max_examples=25, deadline=None)
settings.register_profile("ci", max_examples=200, deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


def chromium() -> str | None:
    """The path of an installed Chromium or Chrome; None where Playwright's own is all there may be.

    `./refund-desk test` sees to it that there is one; `REFUND_DESK_BROWSER` names another.
    """
    named = os.environ.get("REFUND_DESK_BROWSER")
    if named:
        return named
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium. Without one the test fails: nothing is left out for want of a browser.

    One a module, since Playwright keeps an event loop in this thread for as long as it runs.
    """
    options = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]  # it runs as root in containers, too
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium(), args=options)
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real files beside the project, or the test is skipped: they are not ours to ship."""
    folder = Path(os.environ.get("REFUND_CORPUS", PROJECT.parent / "shared" / "corpus"))
    if not folder.is_dir():
        pytest.skip(f"The real files are not at {folder}; REFUND_CORPUS names their folder.")
    return folder


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with the shared cases of the policy beside the project, or the test is skipped."""
    folder = Path(os.environ.get("REFUND_SHARED", PROJECT.parent / "shared"))
    if not (folder / "policy").is_dir():
        pytest.skip(f"The shared cases are not at {folder}; REFUND_SHARED names their folder.")
    return folder
