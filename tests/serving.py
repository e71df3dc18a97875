"""A real desk for tests: its own process, its own folder, a free port of this computer only.

    with served_desk(tmp_path) as desk:
        desk.link            # the one-time link, "" where there is an account
        token = desk.sign_up()
        desk.get("/claim", token=token).status

The browser's journeys use it too.
"""

from __future__ import annotations

import http.client
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

PROJECT = Path(__file__).resolve().parent.parent
COOKIE = "refund_desk"
PASSWORD = "seven quiet green harbours"
LONGEST_START = 60.0


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def token(self) -> str:
        """The session token that the answer gives, or ""."""
        found = re.match(rf"(?:__Host-)?{COOKIE}=([^;]*)", self.headers.get("set-cookie", ""))
        return found[1].strip('"') if found else ""


@dataclass(frozen=True)
class Desk:
    """A desk that is being served."""

    base: str
    """http://localhost:PORT"""
    link: str
    """The one-time link that makes the first account; "" where there is one."""
    process: subprocess.Popen[str]
    data: Path
    """The folder of its store."""
    errors: Path
    """What it wrote to standard error."""
    seconds: float
    """From the command to the line that says it runs."""

    @property
    def port(self) -> int:
        return urlsplit(self.base).port or 0

    @property
    def setup_token(self) -> str:
        return parse_qs(urlsplit(self.link).query)["token"][0]

    def request(
        self,
        method: str,
        path: str,
        *,
        token: str = "",
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        cookie: str = COOKIE,
    ) -> Answer:
        """One request on a connection of its own, sent as it stands: no redirect is followed."""
        sent = {"Host": f"localhost:{self.port}", "Connection": "close"}
        if token:
            sent["Cookie"] = f"{cookie}={token}"
        if form is not None:
            body = urlencode(form).encode()
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, sent | dict(headers or {}))
            response = connection.getresponse()
            text = response.read().decode("utf-8", "replace")
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, text)
        finally:
            connection.close()

    def get(self, path: str, *, token: str = "", headers: Mapping[str, str] | None = None) -> Answer:
        return self.request("GET", path, token=token, headers=headers)

    def post(
        self, path: str, form: Mapping[str, str], *, token: str = "", headers: Mapping[str, str] | None = None
    ) -> Answer:
        return self.request("POST", path, form=form, token=token, headers=headers)

    def sign_up(self, name: str = "Mia Manager", email: str = "mia@example.com", password: str = PASSWORD) -> str:
        """Make the first manager's account by the one-time link; returns the session's token."""
        given = {"name": name, "email": email, "password": password, "again": password, "token": self.setup_token}
        answer = self.post("/start", given)
        assert answer.status == 303, answer.text
        return answer.token

    def sign_in(self, email: str = "mia@example.com", password: str = PASSWORD) -> str:
        answer = self.post("/signin", {"email": email, "password": password})
        assert answer.status == 303, answer.text
        return answer.token

    def command(self, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run another command of the desk on the same store."""
        return subprocess.run(
            [sys.executable, "-m", "refundcore", *words],
            cwd=PROJECT, env=environment(self.data), input=given, capture_output=True, text=True, check=False,
        )  # fmt: skip


def environment(data: Path) -> dict[str, str]:
    """The environment of a desk whose store is in the folder `data`."""
    kept = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "DISPLAY", "WAYLAND_DISPLAY"}}
    return kept | {"REFUND_DESK_DATA": str(data), "PYTHONPATH": str(PROJECT), "PYTHONUNBUFFERED": "1"}


_COMMAND = """
import os
import sys
from datetime import timedelta
from pathlib import Path
from refundcore import clock
from refundcore.commands import serve
ahead, real = timedelta(days=int(os.environ.get("DAYS_AHEAD", "0"))), clock.now
clock.now = lambda: real() + ahead
from refundcore.__main__ import main
serve.PROJECT = Path(sys.argv[1])
sys.exit(main(sys.argv[2:]))
"""


def start(
    data: Path, *options: str, port: int = 0, project: Path = PROJECT, days_ahead: int = 0
) -> tuple[subprocess.Popen[str], Path]:
    """Start a desk and return at once; standard error goes to a file beside its folder.

    Another `project` is a folder with an app.py of its own, behind the same gate. `days_ahead` is how far its clock
    is ahead of ours.
    """
    data.parent.mkdir(parents=True, exist_ok=True)
    errors = data.with_suffix(".err")
    with errors.open("a") as file:
        process = subprocess.Popen(
            [sys.executable, "-c", _COMMAND, str(project), "serve", "--port", str(port), "--no-open", *options],
            cwd=PROJECT, env=environment(data) | {"DAYS_AHEAD": str(days_ahead)},
            stdout=subprocess.PIPE, stderr=file, text=True,
        )  # fmt: skip
    return process, errors


@contextmanager
def served_desk(
    folder: Path, *options: str, port: int = 0, project: Path = PROJECT, days_ahead: int = 0
) -> Iterator[Desk]:
    """A desk that runs while the block does. The same `folder` again is the same store."""
    data = folder / "desk"
    began = time.monotonic()
    process, errors = start(data, *options, port=port, project=project, days_ahead=days_ahead)
    try:
        said = _until_it_runs(process, errors)
        address = re.search(r"https?://\S+", said)
        assert address, said
        link = address[0] if "/start?" in address[0] else ""
        base = "{0.scheme}://{0.netloc}".format(urlsplit(address[0]))
        yield Desk(base, link, process, data, errors, time.monotonic() - began)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()


def _until_it_runs(process: subprocess.Popen[str], errors: Path) -> str:
    """What it said up to the line that tells how to stop it."""
    lines: queue.Queue[str] = queue.Queue()
    stream = process.stdout
    assert stream is not None

    def read() -> None:
        for line in stream:
            lines.put(line)
        lines.put("")

    threading.Thread(target=read, daemon=True).start()
    said, until = "", time.monotonic() + LONGEST_START
    while "Stop it with" not in said:
        try:
            line = lines.get(timeout=max(0.1, until - time.monotonic()))
        except queue.Empty:
            raise AssertionError(f"The desk did not start in {LONGEST_START:.0f} s: {said}") from None
        if not line:
            raise AssertionError(f"The desk ended: {said}{errors.read_text()}")
        said += line
    return said
