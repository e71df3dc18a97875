"""The gate, tried from outside: a served desk on a free port, raw HTTP and raw sockets."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from serving import COOKIE, PASSWORD, PROJECT, Desk, environment, served_desk, start
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from refundcore.gate_flag import REFUSAL
from refundcore.server.forms import safe_next, whence
from refundcore.server.gate import HEADER, SIGNED_OUT, SIGNED_OUT_WORDS
from refundcore.server.headers import inline_hashes
from refundcore.server.sessions import FRESH

pytestmark = pytest.mark.served

GATE_PROJECT = Path(__file__).with_name("gate_project")
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk with a manager and an agent, in front of a small project of the tests' own."""
    with served_desk(tmp_path_factory.mktemp("gate"), project=GATE_PROJECT) as served:
        served.sign_up()
        made = served.command("user", "add", "ana@example.com", "--name", "Ana Agent", given=PASSWORD)
        assert made.returncode == 0, made.stderr
        yield served


@pytest.fixture(scope="module")
def manager(desk: Desk) -> str:
    return desk.sign_in()


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


# --- closed without a session -------------------------------------------------------------------------------------


def every_route() -> list[str]:
    """All paths that the application answers, Streamlit's included, as the installed version has them."""
    code = (
        "import json, pathlib, tempfile; from refundcore import clock, store, server\n"
        "opened = store.connect(f'sqlite:///{tempfile.mkdtemp()}/x.db', at=clock.now())\n"
        "app = server.create(opened, pathlib.Path('app.py'))._build_starlette_app()\n"
        "print(json.dumps([getattr(route, 'path', '/') for route in app.routes]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=GATE_PROJECT, env=environment(Path("unused")), capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


def test_no_route_of_streamlit_answers_without_a_session(desk):
    routes = every_route()
    paths = {re.sub(r"\{[^}]*\}", "x", route) or "/" for route in routes} - {
        "/signin", "/start", "/healthz", "/signin/desk.css", "/signin/icon.png",
    }  # fmt: skip
    assert {"/_stcore/health", "/_stcore/metrics", "/_stcore/upload_file/x/x", "/media/x"} <= paths
    answered = {(method, path): desk.request(method, path) for path in sorted(paths) for method in METHODS}
    refused = {key for key, a in answered.items() if a.status == 401 and a.text.strip('"') in {"", SIGNED_OUT_WORDS}}
    led = {key for key, answer in answered.items() if answer.headers.get("location", "").startswith("/signin")}
    assert answered.keys() - refused - led == set()
    assert ("GET", "/") in led
    assert {path for _, path in led}.isdisjoint(
        path for path in paths if path.startswith(("/_stcore", "/media", "/static"))
    )
    assert desk.get("/index.html").status == 401
    assert desk.get("/favicon.png").status == 401


@pytest.mark.parametrize(
    "path",
    ["/signin/../_stcore/metrics", "//_stcore/metrics", "/signin//", "/signin/", "/signin/x", "/SIGNIN", "/signin%00",
     "/healthz/x", "/signin%2f..%2f_stcore%2fmetrics", "/start/../media/x", "/signin;/_stcore", "/_stcore%2fhealth"],
)  # fmt: skip
def test_no_spelling_of_a_path_gets_past_the_gate(desk, path):
    assert desk.get(path).status in {303, 401}


def test_the_same_routes_answer_with_a_session(desk, manager):
    shell = desk.get("/", token=manager)
    assert shell.status == 200
    assert "<script" in shell.text
    script = re.search(r'src="\.(/static/js/[^"]+)"', shell.text)
    assert script
    assert desk.get(script[1], token=manager).status == 200
    assert desk.get("/_stcore/health", token=manager).status == 200


def test_a_socket_is_not_opened_without_a_session(desk):
    with pytest.raises(InvalidStatus) as refused:
        stream(desk)
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize("token", ["", "x", "x" * 43, '"', "a=b", "é"])
def test_a_made_up_token_is_no_session(desk, token):
    assert desk.get("/_stcore/health", headers={"Cookie": f"{COOKIE}={token}"}).status == 401


def test_a_client_cannot_say_itself_who_it_is(desk):
    for name in (HEADER, HEADER.lower(), HEADER.replace("-", "_")):
        assert desk.get("/_stcore/health", headers={name: "1"}).status == 401
    agent = desk.sign_in("ana@example.com")
    with stream(desk, agent, **{HEADER: "1"}) as connection:
        assert "person=2" in texts(run_page(connection))


def test_images_and_uploads_need_a_session_too(desk, manager):
    with stream(desk, manager) as connection:
        messages = run_page(connection)
        image = next(
            m.delta.new_element.imgs.imgs[0].url
            for m in messages
            if m.WhichOneof("type") == "delta" and m.delta.new_element.WhichOneof("type") == "imgs"
        )
        session = session_of(messages)
        assert desk.get(image).status == 401
        seen = desk.get(image, token=manager)
        assert seen.status == 200
        assert seen.headers["cache-control"] == "private, no-store"
        target = f"/_stcore/upload_file/{session}/a-file"
        assert desk.request("PUT", target, body=b"x").status == 401
        forged = {"Origin": "http://evil.example"}
        assert desk.request("PUT", target, body=b"x", token=manager, headers=forged).status == 403


def test_whoever_signs_in_next_does_not_find_the_page_of_the_one_before(desk, manager):
    with stream(desk, manager) as connection:
        left = session_of(run_page(connection))
    with stream(desk, manager, resume=left) as connection:
        assert session_of(run_page(connection)) == left
    with stream(desk, desk.sign_in("ana@example.com"), resume=left) as connection:
        messages = run_page(connection)
        assert session_of(messages) != left
        assert "person=2" in texts(messages)


def test_a_page_that_nobody_is_given_is_not_run_by_the_first_request_after_a_start(tmp_path):
    with served_desk(tmp_path, project=GATE_PROJECT) as fresh:
        token = fresh.sign_up()
        with stream(fresh, token) as connection:
            shown = texts(run_page(connection, "secret"))
    assert "THE FRAME" in shown
    assert "THE SECRET" not in shown


# --- signing in and out -------------------------------------------------------------------------------------------


def test_a_deep_link_survives_signing_in(desk):
    turned = desk.get("/claim?claim=RC-000007&state=a%20b%26c")
    assert turned.status == 303
    form_page = desk.get(turned.headers["location"])
    kept = re.search(r'name="next" value="([^"]*)"', form_page.text)
    assert kept
    given = {"email": "MIA@example.com ", "password": PASSWORD, "next": kept[1].replace("&amp;", "&")}
    assert desk.post("/signin", given).headers["location"] == "/claim?claim=RC-000007&state=a%20b%26c"


@pytest.mark.parametrize(
    "wanted",
    ["//evil.example", "/\\evil.example", "https://evil.example/", "javascript:alert(1)", "evil", "", "\\\\evil",
     "/a\\b", "/\t/evil", "/a\r\nSet-Cookie: x=1", "/signin", "/signin?next=/", "/start?token=x", "/signout", "/é",
     "/" + "x" * 3000],
)  # fmt: skip
def test_after_signing_in_nobody_is_led_elsewhere(wanted):
    assert safe_next(wanted) == "/"


@pytest.mark.parametrize("wanted", ["/", "/claim?claim=RC-1", "/policy#C4c", "/queue?text=a%2Fb&next=//evil"])
def test_an_address_of_the_desk_is_kept(wanted):
    assert safe_next(wanted) == wanted


def test_a_link_from_another_site_asks_once_more_so_that_the_strict_cookie_comes_along(desk, manager):
    first = desk.get("/claim?claim=RC-1&a=%22%3E", headers={"Sec-Fetch-Site": "cross-site"})
    assert first.status == 200
    assert 'content="0;url=/claim?claim=RC-1&amp;a=%22%3E"' in first.text
    assert desk.get("/claim?claim=RC-1", token=manager, headers={"Sec-Fetch-Site": "same-origin"}).status == 200
    assert desk.get("/claim?claim=RC-1", headers={"Sec-Fetch-Site": "same-origin"}).status == 303
    assert desk.get("/_stcore/health", headers={"Sec-Fetch-Site": "cross-site"}).status == 401


def test_the_cookie_is_for_this_desk_alone_and_no_script_reads_it(desk):
    answer = desk.post("/signin", {"email": "mia@example.com", "password": PASSWORD})
    parts = {part.strip().lower() for part in answer.headers["set-cookie"].split(";")[1:]}
    assert {"httponly", "samesite=strict", "path=/", "max-age=43200"} <= parts
    assert not any(part.startswith("domain") for part in parts)


def test_signing_out_ends_the_session_and_closes_its_open_socket(desk):
    token = desk.sign_in("ana@example.com")
    with stream(desk, token) as connection:
        run_page(connection)
        answer = desk.post("/signout", {}, token=token)
        assert answer.status == 303
        assert answer.headers["location"] == "/signin"
        assert desk.get("/_stcore/health", token=token).status == 401
        connection.send(BackMsg(load_git_info=True).SerializeToString())
        assert close_code(connection) == SIGNED_OUT


def test_disabling_an_account_closes_even_a_silent_socket_within_seconds(desk):
    made = desk.command("user", "add", "leaver@example.com", "--name", "Lee Leaver", given=PASSWORD)
    assert made.returncode == 0, made.stderr
    token = desk.sign_in("leaver@example.com")
    with stream(desk, token) as connection:
        run_page(connection)
        assert desk.command("user", "disable", "leaver@example.com").returncode == 0
        assert close_code(connection, within=3 * FRESH) == SIGNED_OUT
    assert desk.get("/_stcore/health", token=token).status == 401
    assert desk.post("/signin", {"email": "leaver@example.com", "password": PASSWORD}).status == 401


def test_signing_out_needs_a_post(desk, manager):
    desk.get("/signout", token=manager)
    assert desk.get("/_stcore/health", token=manager).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
def test_another_site_can_neither_sign_somebody_in_nor_out(desk, manager, headers):
    given = {"email": "mia@example.com", "password": PASSWORD}
    assert desk.post("/signin", given, headers=headers).status == 403
    assert desk.post("/signout", {}, token=manager, headers=headers).status == 403
    assert desk.get("/_stcore/health", token=manager).status == 200


def test_a_page_of_another_site_cannot_open_the_socket(desk, manager):
    with pytest.raises(InvalidStatus):
        stream(desk, manager, origin="http://evil.example")
    with stream(desk, manager, origin=f"http://127.0.0.1:{desk.port}") as connection:
        assert "person=1" in texts(run_page(connection))


def test_after_five_wrong_tries_even_at_once_the_sixth_is_not_looked_at(desk):
    email = "victim@example.com"
    assert desk.command("user", "add", email, "--name", "Vic Tim", given=PASSWORD).returncode == 0

    def wrong(number: int) -> int:
        claimed = {"X-Forwarded-For": f"198.51.100.{number}"}  # nobody's word, where there is no proxy
        return desk.post("/signin", {"email": email, "password": f"wrong {number}"}, headers=claimed).status

    with ThreadPoolExecutor(9) as pool:
        answers = list(pool.map(wrong, range(9)))
    assert sorted(answers) == [401] * 5 + [429] * 4
    refused = desk.post("/signin", {"email": email, "password": PASSWORD})
    assert refused.status == 429
    assert 0 < int(refused.headers["retry-after"]) <= 900
    assert "Try again in 15 minutes" in refused.text
    assert desk.sign_in()


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "unknown"),
        ("", "unknown"),
    ],
)
def test_tries_are_counted_by_whom_one_address_belongs_to(address, counted):
    assert whence(address) == counted


def test_what_somebody_typed_is_shown_as_text(desk):
    name = '"><script>alert(1)</script>'
    answer = desk.post("/signin", {"email": name, "password": "x", "next": name})
    assert answer.status == 401
    assert "<script>" not in answer.text


@pytest.mark.parametrize("body", [b"x" * 20_000, b"a=1&" * 4_000, b"\xff\xfe=%ff", b"", b"email&password"])
def test_a_strange_form_is_an_unsuccessful_try(desk, body):
    answer = desk.request("POST", "/signin", body=body, headers={"X-Forwarded-For": "10.0.0.1"})
    assert answer.status in {401, 429}


# --- the first account --------------------------------------------------------------------------------------------


def test_the_one_time_link_makes_one_account_even_when_several_race_for_it(tmp_path):
    with served_desk(tmp_path, project=GATE_PROJECT) as fresh:
        assert "Nobody has an account yet" in fresh.get("/signin").text
        assert fresh.get("/start?token=wrong").status == 403
        assert fresh.get(f"/start?token={fresh.setup_token}").status == 200

        def take(number: int) -> int:
            form = {"name": f"N{number}", "email": f"n{number}@example.com", "password": PASSWORD, "again": PASSWORD}
            return fresh.post("/start", form | {"token": fresh.setup_token}).status

        short = {"name": "N", "email": "n@example.com", "password": "short", "again": "short"}
        refused = fresh.post("/start", short | {"token": fresh.setup_token})
        assert refused.status == 400
        assert "at least 12" in refused.text
        with ThreadPoolExecutor(4) as pool:
            assert sorted(pool.map(take, range(4))) == [303, 403, 403, 403]
        assert len(fresh.command("user", "list").stdout.splitlines()) == 1
        assert fresh.get(f"/start?token={fresh.setup_token}").status == 403
    with served_desk(tmp_path, project=GATE_PROJECT) as again:
        assert again.link == ""


# --- serving ------------------------------------------------------------------------------------------------------


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


def test_the_desk_says_that_it_is_well(desk):
    answer = desk.get("/healthz")
    assert answer.status == 200
    assert json.loads(answer.text) == {"ok": True}


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
        assert fresh.errors.read_text() == ""


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
