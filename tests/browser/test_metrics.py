"""Metrics in a real browser: a bar opens its claims and back keeps the filters; exports; nothing that axe finds."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlencode

import pytest
from browsing import settled, visiting
from metrics_history import history
from playwright.sync_api import Browser, Page, expect
from serving import Desk, served_desk

from refundcore import clock, metrics, store

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with served_desk(tmp_path_factory.mktemp("measuring")) as served:
        served.sign_up()
        opened = store.connect(f"sqlite:///{served.data / 'refunds.db'}", at=clock.now())
        history(opened, n=60, seed=4, at=clock.now())
        opened.engine.dispose()
        yield served


@pytest.fixture(scope="module")
def page(desk: Desk, browser: Browser) -> Iterator[Page]:
    with visiting(browser, desk, height=1600) as visited:  # so that the charts are in sight
        yield visited


def opened(page: Page, desk: Desk, path: str) -> None:
    page.goto(desk.base + path)
    page.wait_for_timeout(400)
    settled(page)


CHART = ".st-key-chart_0"


def click_a_bar(page: Page) -> None:
    """Click the longest bar of the first chart, as a hand would: the figure has to see what is under the mouse."""
    page.locator(f"{CHART} .barlayer").wait_for(timeout=15_000)
    page.wait_for_timeout(1_500)
    boxes = [bar.bounding_box() for bar in page.locator(f"{CHART} .barlayer .point path").all()]
    box = max((box for box in boxes if box), key=lambda box: box["height"])
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x - 3, y)
    page.mouse.move(x, y)
    page.wait_for_timeout(500)
    page.mouse.click(x, y)


def test_a_click_on_a_bar_lists_its_claims_and_back_keeps_the_filters(desk: Desk, page: Page):
    opened(page, desk, "/metrics?period=Last+12+months&reason=Major+defect&steps=Month")
    click_a_bar(page)
    expect(page.get_by_role("button", name="Back to the figures")).to_be_visible(timeout=15_000)
    settled(page)
    assert "/behind?figure=" in page.url
    told = page.locator(".st-key-behind_total").inner_text()
    count = int(told.split()[0])
    assert page.locator(".st-key-behind_claims tbody tr").count() == min(count, 50) > 0

    page.get_by_role("button", name="Back to the figures").click()
    expect(page.locator(CHART)).to_be_visible(timeout=15_000)
    settled(page)
    assert "reason=Major+defect" in page.url
    assert "/metrics?" in page.url
    expect(page.get_by_role("combobox", name="Reason")).to_have_value("Major defect")


def test_the_browser_s_own_way_back_keeps_the_filters_too(desk: Desk, page: Page):
    opened(page, desk, "/metrics?period=Last+90+days&currency=EUR")
    page.locator(".st-key-figure_claims a").first.click()
    expect(page.get_by_role("button", name="Back to the figures")).to_be_visible(timeout=15_000)
    settled(page)
    page.go_back()
    expect(page.locator(".st-key-headline")).to_be_visible(timeout=15_000)
    settled(page)
    expect(page.get_by_role("combobox", name="Currency")).to_have_value("EUR")


def test_a_chart_is_exported_as_a_table_and_as_a_picture(desk: Desk, page: Page):
    opened(page, desk, "/metrics?period=All+time&topic=Claims")
    page.locator(".st-key-table_0 summary").click()
    tools = page.locator(".st-key-numbers_0")
    for name, ending in (("Download CSV", ".csv"), ("SVG", ".svg"), ("PNG", ".png")):
        with page.expect_download() as download:
            tools.get_by_role("button", name=name).click()
        assert download.value.suggested_filename == f"how-many-claims-come-in-and-why{ending}"
        data = Path(download.value.path()).read_bytes()
        if ending == ".csv":
            rows = list(csv.DictReader(data.decode("utf-8-sig").splitlines()))
            assert sum(int(row["All"]) for row in rows) == 60
            assert [row["All"] for row in rows] == tools.locator("tbody tr td:last-child").all_inner_texts()
        elif ending == ".svg":
            assert data.startswith(b"<svg")
            assert b"How many claims come in" in data
        else:
            assert data.startswith(b"\x89PNG")
            assert len(data) > 5_000


def test_the_report_is_a_page_of_its_own(desk: Desk, page: Page, browser: Browser, tmp_path: Path):
    opened(page, desk, "/metrics?period=All+time")
    with page.expect_download(timeout=60_000) as download:
        page.get_by_role("button", name="Download as a report to print").click()
    file = tmp_path / "report.html"
    download.value.save_as(file)
    alone = browser.new_page()
    alone.goto(file.as_uri())
    expect(alone.get_by_role("heading", name="How many claims come in, and why?")).to_be_visible()
    alone.locator(".js-plotly-plot svg.main-svg").first.wait_for(timeout=20_000)
    assert alone.locator(".figures .value").first.inner_text() == "60"
    alone.close()


def axe() -> str:
    """The script of axe-core: of the package axe-playwright-python, or the file that REFUND_AXE names."""
    named = os.environ.get("REFUND_AXE", "")
    if not named and (found := find_spec("axe_playwright_python")) and found.origin:
        named = str(Path(found.origin).with_name("axe.min.js"))
    if not named or not Path(named).is_file():
        pytest.skip("axe-core is not here: REFUND_AXE names its script.")
    return Path(named).read_text("utf-8")


TABS = ("Claims", "Decisions", "Money", "Policy", "Time", "Products", "Team")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(desk: Desk, browser: Browser, scheme: str):
    script = axe()
    with visiting(browser, desk) as visited:
        visited.emulate_media(color_scheme=scheme)
        addresses = [f"/metrics?period=All+time&topic={tab}" for tab in TABS]
        wanted = metrics.pick("came", metrics.Frame(clock.now().date().replace(month=1, day=1), clock.now().date()))
        addresses.append(f"/behind?{urlencode({'figure': metrics.to_text(wanted)})}")
        for address in addresses:
            opened(visited, desk, address)
            visited.wait_for_timeout(600)
            visited.evaluate(script)
            found = visited.evaluate("axe.run(document, {resultTypes: ['violations']})")
            told = [
                (one["id"], node["target"], node.get("failureSummary", "")[:200])
                for one in found["violations"]
                for node in one["nodes"]
            ]
            assert told == [], (address, told)
