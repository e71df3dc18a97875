"""The gate, tried from outside by raw HTTP and raw sockets: nothing of Streamlit answers without a session."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from serving import COOKIE, Desk, environment, served_desk
from streaming import GATE_PROJECT, gated_desk, run_page, session_of, stream, texts
from websockets.exceptions import InvalidStatus

from refundcore.server.gate import HEADER, SIGNED_OUT_WORDS

pytestmark = pytest.mark.served


METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with gated_desk(tmp_path_factory.mktemp("gate")) as served:
        yield served


@pytest.fixture(scope="module")
def manager(desk: Desk) -> str:
    return desk.sign_in()


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
        "/signin", "/start", "/password", "/healthz", "/signin/desk.css", "/signin/icon.png",
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
