"""Signing in and out, tried from outside: where it leads, what ends a session, who is kept out, the first account."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from serving import PASSWORD, Desk, served_desk
from streaming import GATE_PROJECT, close_code, gated_desk, run_page, stream, texts
from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.exceptions import InvalidStatus

from refundcore.server.forms import safe_next, whence
from refundcore.server.gate import SIGNED_OUT
from refundcore.server.sessions import FRESH

pytestmark = pytest.mark.served


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with gated_desk(tmp_path_factory.mktemp("gate")) as served:
        yield served


@pytest.fixture(scope="module")
def manager(desk: Desk) -> str:
    return desk.sign_in()


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
