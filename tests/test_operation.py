"""Running the desk: is it well, what it counts, its log, its settings, doctor and retention, how it is put up."""

from __future__ import annotations

import json
import logging
import re
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from evidence_of_tests import png
from protocol import Tab
from serving import PASSWORD, PROJECT, Desk, environment, served_desk
from store_of_tests import ANA, AT, MIA, key, on_sqlite, open_desk
from test_authorisation import asked

from refundcore import configuration, evidence, logs, store
from refundcore.server.operation import first_part, health_of
from refundcore.store import StoreError
from refundcore.store.retaining import retain

TOKEN = "scrape me if you can"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    patch = pytest.MonkeyPatch()
    patch.setenv("REFUND_DESK_METRICS_TOKEN", TOKEN)
    patch.setenv("REFUND_DESK_LOG", "json")
    with served_desk(tmp_path_factory.mktemp("desk")) as served:
        served.sign_up()
        yield served
    patch.undo()


def scraped(desk: Desk) -> dict[str, float]:
    answer = desk.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = [line for line in answer.text.splitlines() if line and not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


# --- is it well -----------------------------------------------------------------------------------------------------


def test_the_desk_says_by_part_that_it_is_well(desk):
    answer = desk.get("/healthz")
    assert answer.status == 200
    assert json.loads(answer.text) == {"ok": True, "store": "answers", "migrations": "current", "disk": "has room"}


@on_sqlite
def test_it_says_what_is_wrong_and_that_it_is_well_again(tmp_path, monkeypatch):
    opened = open_desk(tmp_path)
    opened.sql("UPDATE alembic_version SET version_num = '9999'")
    assert health_of(opened.store)["migrations"] == "not this program's"
    assert not health_of(opened.store)["ok"]
    opened.sql(f"UPDATE alembic_version SET version_num = '{store.opening.HEAD}'")  # noqa: S608 - a constant
    assert health_of(opened.store)["ok"]
    monkeypatch.setattr("refundcore.server.operation.SCARCE", 2**62)
    assert health_of(opened.store)["disk"] == "scarce"
    opened.store.engine.dispose()
    (tmp_path / "refunds.db").write_bytes(b"no database " * 1000)
    assert health_of(opened.store) == {"ok": False, "store": "does not answer"}
    opened.store.engine.dispose()


# --- what it counts -------------------------------------------------------------------------------------------------


def test_metrics_answer_to_the_token_alone(desk):
    assert desk.get("/metrics").headers["location"] == "/signin?next=%2Fmetrics"  # without one it is a page
    assert "refund_desk" not in desk.get("/metrics", token=desk.sign_in()).text
    for headers in (
        {"Authorization": ""},
        {"Authorization": "Bearer "},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": TOKEN},
    ):
        answer = desk.get("/metrics", headers=headers)
        assert (answer.status, answer.text) == (404, "Not found.")


def test_metrics_count_pages_acts_refusals_claims_imports_and_sign_ins(desk):
    before = scraped(desk)
    token = desk.sign_in()
    desk.post("/signin", {"email": "mia@example.com", "password": "wrong wrong wrong"})
    with Tab(desk, token, "queue") as tab:
        tab.press("load_sample")
        during = scraped(desk)
    with Tab(desk, token, "team") as tab:
        tab.press("add_person_button")  # no name: refused before any act
    after = scraped(desk)
    assert after['refund_desk_page_seconds_count{page="queue"}'] >= 1
    assert after['refund_desk_import_rows_total{fate="created"}'] > 0
    assert after['refund_desk_acts_total{action="import"}'] >= 2
    assert sum(value for name, value in after.items() if name.startswith("refund_desk_open_claims{")) > 0
    assert {
        f'refund_desk_due_claims{{due="{due}"}}' for due in ("overdue", "in_4_hours", "in_24_hours")
    } <= after.keys()
    assert after['refund_desk_events_total{kind="created"}'] > 0
    wrong = 'refund_desk_signins_total{result="wrong"}'
    assert after[wrong] == before.get(wrong, 0) + 1
    assert during["refund_desk_open_pages"] >= 1
    assert after["refund_desk_store_bytes"] > 0
    again = scraped(desk)
    assert again['refund_desk_events_total{kind="created"}'] == after['refund_desk_events_total{kind="created"}']


# --- the log --------------------------------------------------------------------------------------------------------


def test_the_log_is_a_json_object_a_line_with_the_requests_number_and_nothing_personal(desk):
    answer = desk.post("/signin", {"email": "someone.private@example.com", "password": "a secret that nobody logs"})
    number = answer.headers["x-request-id"]
    desk.get("/claim?claim=PRIVATE-9&text=private.words", headers={"X-Request-Id": "chosen-by-the-client"})
    lines = [json.loads(line) for line in desk.errors.read_text().splitlines() if line.strip()]
    assert {"at", "level", "event", "where"} <= set.intersection(*(set(line) for line in lines))
    mine = [line for line in lines if line.get("request") == number]
    assert {"signin", "request"} <= {line["event"] for line in mine}
    assert next(line for line in mine if line["event"] == "request")["path"] == "/signin"
    text = desk.errors.read_text()
    for secret in ("private", "PRIVATE-9", "secret", "example.com", "chosen-by", "127.0.0.1"):
        assert secret not in text, secret


def test_what_a_page_does_is_logged_under_the_number_of_its_socket(desk):
    with Tab(desk, desk.sign_in(), "settings") as tab:
        tab.press("save_sender_name")
        tab.connection.send(asked(tab, "made up"))  # dropped by the gate
        tab.send(page_script_hash="made up", fragment_id="made up")  # Streamlit writes a line of its own
        tab.run(page_script_hash=tab.hash)

    def told() -> tuple[list[dict[str, str]], set[str]]:
        lines = [json.loads(line) for line in desk.errors.read_text().splitlines() if line.strip()]
        acts = [line for line in lines if line["event"] == "act" and line["action"] == "change_settings"]
        sockets = {line["request"] for line in lines if line["event"] == "request" and line["method"] == "SOCKET"}
        return acts, sockets

    until = time.monotonic() + 20  # the line of a socket is written once it is closed
    while not (told()[0] and told()[0][-1]["request"] in told()[1]) and time.monotonic() < until:
        time.sleep(0.1)
    acts, sockets = told()
    assert acts[-1]["request"] in sockets
    assert acts[-1]["result"] == "done"


def test_an_error_is_logged_by_its_kind_and_place_without_what_somebody_typed():
    try:
        int("jo@example.com typed this")
    except ValueError:
        record = logging.getLogger("x").makeRecord("x", logging.ERROR, "f", 1, "It failed.", (), sys.exc_info())
    for as_json in (True, False):
        line = logs.Lines(as_json=as_json).format(record)
        assert "builtins.ValueError at test_operation.py" in line
        assert "jo@example.com" not in line
        assert "\n" not in line


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/", "/"), ("/claim", "/claim"), ("/media/abc.png", "/media/…"),
        ("/_stcore/upload_file/sess/file", "/_stcore/upload_file/…"),
        ("/%0aforged", "/…"), ("/Jo@example.com", "/…"), ("/a\nb", "/…"), ("/_stcore/stream", "/_stcore/stream"),
    ],
)  # fmt: skip
def test_a_logged_path_names_no_file_session_or_person(path, told):
    assert first_part(path) == told


# --- settings -------------------------------------------------------------------------------------------------------


@pytest.fixture
def settings_file(tmp_path, monkeypatch) -> Path:
    path = tmp_path / "settings.toml"
    monkeypatch.setenv("REFUND_DESK_CONFIG", str(path))
    for name in ("REFUND_DESK_PORT", "REFUND_DESK_DATA", "REFUND_DESK_LOG", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    return path


def test_the_environment_goes_before_the_file_and_the_file_before_the_default(settings_file, monkeypatch):
    settings_file.write_text('port = 9000\nhost = "::1"\n')
    monkeypatch.setenv("REFUND_DESK_PORT", "9001")
    now = configuration.load()
    assert (now.port, now.host, now.session_hours) == (9001, "::1", 12)
    source = {one.name: one.source for one in configuration.told()}
    assert source["port"] == "environment, REFUND_DESK_PORT"
    assert source["host"] == f"file, {settings_file}"
    assert source["session_hours"] == "default"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("port = 70000", "The setting port (file, "), ('log = "loud"', "The setting log"),
        ("prot = 1", "no setting called prot"),
        ("port = ", "cannot be read"), ("session_hours = 0", "The setting session_hours"),
    ],
)  # fmt: skip
def test_a_setting_that_cannot_be_is_refused_with_its_name_and_place(settings_file, text, says):
    settings_file.write_text(text)
    with pytest.raises(configuration.ConfigurationError) as told:
        configuration.load()
    assert says in str(told.value)


def test_config_prints_every_setting_with_its_source_and_no_secret(tmp_path):
    file = tmp_path / "s.toml"
    file.write_text('smtp_host = "mail.example.com"\nsmtp_password = "hush hush"\nmetrics_token = "quiet quiet"\n')
    given = environment(tmp_path / "desk") | {"REFUND_DESK_CONFIG": str(file), "DATABASE_URL": "sqlite:////x/secret.db"}
    done = subprocess.run(
        [sys.executable, "-m", "refundcore", "config"],
        cwd=PROJECT,
        env=given,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    assert lines.keys() == configuration.Configuration.model_fields.keys()
    assert "mail.example.com" in lines["smtp_host"]
    for secret in ("hush", "quiet", "secret.db"):
        assert secret not in done.stdout


def test_what_the_file_says_holds_for_every_command(tmp_path):
    file = tmp_path / "s.toml"
    file.write_text(f'data = "{tmp_path / "elsewhere"}"\n')
    given = {k: v for k, v in environment(tmp_path).items() if k != "REFUND_DESK_DATA"} | {
        "REFUND_DESK_CONFIG": str(file)
    }
    done = subprocess.run(
        [sys.executable, "-m", "refundcore", "user", "list"],
        cwd=PROJECT,
        env=given,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "elsewhere" / "refunds.db").exists()


# --- doctor ---------------------------------------------------------------------------------------------------------


def test_doctor_finds_nothing_wrong_with_a_desk_that_is_well_and_names_the_library_of_sqlite(desk):
    done = desk.command("doctor")
    assert done.returncode == 0, done.stdout
    assert re.search(r"fine   SQLite 3\.[\d.]+ from pysqlite3: without the WAL-reset fault", done.stdout)
    assert "look   There is no backup" in done.stdout
    assert "look   One manager" in done.stdout


@on_sqlite
def test_doctor_names_open_permissions_a_clock_set_back_and_a_store_that_is_not_there(tmp_path, monkeypatch):
    from refundcore.commands import doctor

    def states() -> str:
        return "\n".join(f"{one.state} {one.what}" for one in doctor.examined(f"sqlite:///{tmp_path / 'refunds.db'}"))

    assert "wrong There is no store at" in states()
    opened = open_desk(tmp_path)
    opened.add()
    opened.store.engine.dispose()
    tmp_path.chmod(0o700)
    (tmp_path / "refunds.db").chmod(0o644)
    assert "wrong Others on this computer may open" in states()
    monkeypatch.setattr("refundcore.clock.now", lambda: AT - timedelta(days=1))
    assert "wrong The clock stands at 2026-05-11 09:00 UTC" in states()
    monkeypatch.setenv("REFUND_DESK_HOST", "0.0.0.0")  # noqa: S104 - that is what is refused
    assert "without HTTPS: it will refuse to start" in states()
    monkeypatch.setattr("refundcore.store.sqlite.wal_is_safe", lambda _: False)
    assert "look SQLite" in states()


# --- retention ------------------------------------------------------------------------------------------------------


@on_sqlite
def test_evidence_and_personal_data_go_so_many_days_after_a_claim_was_closed(tmp_path):
    opened = open_desk(tmp_path)
    claims = [opened.add() for _ in range(3)]
    for claim in claims:
        opened.do(store.attach_evidence, claim, evidence=[evidence.read("a.png", png(claim.id))])
    for claim, days in ((claims[0], 0), (claims[1], 60)):
        opened.do(
            store.take_step, claim, step="withdrawn", given=store.Given(text="never mind"), at=AT + timedelta(days=days)
        )
    states = [opened.claim(claim.id).state for claim in claims]
    assert states == ["closed", "closed", "new"]
    at = AT + timedelta(days=100)

    def run(evidence_days: int, personal_days: int, *, dry: bool = False):
        return retain(
            opened.store, actor=MIA, at=at, evidence_days=evidence_days, personal_days=personal_days, dry_run=dry
        )

    assert (run(90, 0, dry=True).files_of, run(30, 0, dry=True).files_of) == (1, 2)
    assert opened.number("SELECT count(*) FROM evidence WHERE erased_at IS NULL") == 3
    assert run(90, 0).files_of == 1
    assert opened.number("SELECT count(*) FROM evidence WHERE erased_at IS NULL") == 2
    assert opened.claim(claims[0].id).facts["customer_email"].startswith("Customer")
    assert run(0, 90).persons_of == 1
    assert opened.claim(claims[0].id).facts["customer_email"].startswith("erased on ")
    assert run(90, 90).sentence == "Evidence of 0 claims and personal data of 0 claims."
    assert run(30, 30).persons_of == 1
    assert opened.claim(claims[2].id).facts["customer_email"].startswith("Customer")
    opened.verified()
    with pytest.raises(StoreError, match="you cannot erase"):
        retain(opened.store, actor=ANA, at=at, evidence_days=1, personal_days=0)
    opened.store.engine.dispose()


# --- how it is put up -----------------------------------------------------------------------------------------------


def test_with_a_certificate_of_its_own_the_desk_speaks_https_and_binds_its_cookie_to_it(tmp_path):
    here = Path(__file__).with_name("data") / "tls"
    options = ("--tls-cert", str(here / "cert.pem"), "--tls-key", str(here / "key.pem"))
    with served_desk(tmp_path, *options) as served:
        assert served.base.startswith("https://localhost:")
        trust = ssl.create_default_context(cafile=here / "cert.pem")
        with urllib.request.urlopen(f"{served.base}/healthz", context=trust, timeout=20) as answer:  # noqa: S310 - our own
            assert answer.status == 200
            assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
        made = served.command("user", "add", "mia@example.com", "--name", "Mia", "--role", "manager", given=PASSWORD)
        assert made.returncode == 0
        form = f"email=mia%40example.com&password={PASSWORD.replace(' ', '+')}".encode()

        class Stay(urllib.request.HTTPRedirectHandler):
            def redirect_request(self, *_: object) -> None:
                return None

        opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=trust), Stay)
        with pytest.raises(urllib.error.HTTPError) as moved:
            opener.open(f"{served.base}/signin", form, timeout=20)
        cookie = moved.value.headers["Set-Cookie"]
        moved.value.close()
        assert cookie.startswith("__Host-refund_desk=")
        assert "Secure" in cookie


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--tls-cert", "x.pem"), "HTTPS needs both --tls-cert and --tls-key."),
        (("--tls-cert", "x.pem", "--tls-key", "x.pem"), "cannot be used for HTTPS"),
    ],
)
def test_a_certificate_that_cannot_be_used_is_refused_with_a_sentence(tmp_path, options, says):
    done = subprocess.run(
        [sys.executable, "-m", "refundcore", "serve", "--no-open", "--port", "0", *options],
        cwd=PROJECT, env=environment(tmp_path / "desk"), capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2
    assert says in done.stderr


def test_the_unit_and_the_container_start_what_there_is():
    unit = (PROJECT / "deploy" / "refund-desk.service").read_text()
    container = (PROJECT / "deploy" / "Containerfile").read_text()
    for text in (unit, container):
        assert "refundcore" in text
        named = set(re.findall(r"REFUND_DESK_([A-Z_]+)=", text))
        assert {name.lower() for name in named} <= configuration.Configuration.model_fields.keys()
    for source in re.findall(r"^COPY (.+) \S+$", container, re.MULTILINE):
        assert all((PROJECT / name).exists() for name in source.split())
    assert key()
