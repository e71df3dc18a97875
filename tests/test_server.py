"""Serving: names, headers, ports, a proxy in front, the end, and Streamlit's own launcher."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from serving import PASSWORD, PROJECT, Desk, environment, served_desk, start
from streaming import GATE_PROJECT, gated_desk, run_page, stream
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from refundcore.gate_flag import REFUSAL
from refundcore.server.headers import inline_hashes

pytestmark = pytest.mark.served


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with gated_desk(tmp_path_factory.mktemp("gate")) as served:
        yield served


@pytest.fixture(scope="module")
def manager(desk: Desk) -> str:
    return desk.sign_in()


def test_a_name_that_is_not_the_desks_is_turned_away(desk, manager):
    assert desk.get("/signin", headers={"Host": "evil.example"}).status == 400
    assert desk.get("/_stcore/health", token=manager, headers={"Host": "evil.example"}).status == 400
    with pytest.raises(InvalidStatus):
        stream(desk, manager, Host="evil.example")


def test_every_answer_says_what_a_page_may_load(desk, manager):
    page = desk.get("/", token=manager)
    policy = page.headers["content-security-policy"]
    hashes = inline_hashes(page.text)
    assert hashes
    assert all(digest in policy for digest in hashes)
    assert "img-src 'self' data: blob:;" in policy
    for answer in (page, desk.get("/signin"), desk.get("/_stcore/health"), desk.get("/healthz")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "server" not in answer.headers
    assert "default-src 'none'" in desk.get("/signin").headers["content-security-policy"]


def test_a_taken_port_is_told_in_a_sentence(desk, tmp_path):
    process, errors = start(tmp_path / "desk", port=desk.port)
    assert process.wait(30) == 2
    assert errors.read_text() == (
        f"refund-desk: Port {desk.port} is taken, perhaps by another desk. Stop that, or choose a port with --port.\n"
    )
    process.stdout.close()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--host", "0.0.0.0"], "in the clear"),  # noqa: S104 - that is what is refused
        (["--host", "0.0.0.0", "--behind-tls-proxy"], "Nobody has an account yet"),  # noqa: S104
        (["--host", "203.0.113.7", "--behind-tls-proxy"], "cannot listen on 203.0.113.7"),
        (["--host", "no such name", "--behind-tls-proxy"], "cannot listen on no such name"),
        (["--port", "70000"], "no port 70000"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_would_be_unsafe_or_impossible_is_refused_with_a_sentence(tmp_path, options, told):
    process, errors = start(tmp_path / "desk", *options)
    assert process.wait(30) == 2
    said = errors.read_text()
    assert told in said
    assert said.startswith("refund-desk: ")
    assert said.count("\n") == 1
    process.stdout.close()


def test_behind_a_tls_proxy_the_cookie_is_bound_to_https(tmp_path):
    with served_desk(tmp_path, "--behind-tls-proxy", "desk.example.com", project=GATE_PROJECT) as proxied:
        named = {"Host": "desk.example.com", "Origin": "https://desk.example.com"}
        form = {"name": "Mia", "email": "mia@example.com", "password": PASSWORD, "again": PASSWORD}
        answer = proxied.post("/start", form | {"token": proxied.setup_token}, headers=named)
        assert answer.status == 303, answer.text
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-refund_desk=")
        assert "Secure" in cookie
        assert answer.headers["strict-transport-security"]
        seen = proxied.request("GET", "/_stcore/health", token=answer.token, cookie="__Host-refund_desk", headers=named)
        assert seen.status == 200
        plain = proxied.request("GET", "/_stcore/health", token=answer.token, headers=named)
        assert plain.status == 401
        assert proxied.get("/signin", headers={"Host": "other.example"}).status == 400

        def wrong(last: int) -> int:
            claimed = named | {"X-Forwarded-For": f"198.51.100.{last}"}
            return proxied.post("/signin", {"email": "mia@example.com", "password": "wrong"}, headers=claimed).status

        with ThreadPoolExecutor(7) as pool:
            assert sorted(pool.map(wrong, [1] * 6 + [2])) == [401] * 6 + [429]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_the_desk_ends_without_a_complaint_when_it_is_stopped(tmp_path, how):
    with served_desk(tmp_path, project=GATE_PROJECT) as fresh:
        token = fresh.sign_up()
        with stream(fresh, token) as connection:
            run_page(connection)
            fresh.process.send_signal(how)
            assert fresh.process.wait(15) == 0
        assert [line for line in fresh.errors.read_text().splitlines() if " info " not in line] == []


def test_streamlits_own_launcher_shows_nothing_of_the_desk(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = ["-m", "streamlit", "run", "app.py", "--server.port", str(port), "--server.address", "127.0.0.1"]
    process = subprocess.Popen(
        [sys.executable, *words], cwd=PROJECT, env=environment(tmp_path / "desk"), stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        while "http://127.0.0.1" not in process.stdout.readline():
            assert process.poll() is None
        with connect(f"ws://127.0.0.1:{port}/_stcore/stream", subprotocols=["streamlit"], proxy=None) as connection:
            messages = run_page(connection)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    shown = [m.delta.new_element for m in messages if m.WhichOneof("type") == "delta"]
    told = [element.alert.body.replace("\\", "") for element in shown if element.WhichOneof("type") == "alert"]
    assert told == [REFUSAL]
    assert {element.WhichOneof("type") for element in shown} <= {"alert", "html"}  # html: the style sheet
    assert not (tmp_path / "desk").exists()
