"""Acts from a page: keys against double clicks, refusals as sentences, a stale page and its way out."""

from __future__ import annotations

import logging

import pytest
from desk_of_tests import Desk, labels, open_desk, texts
from streamlit.testing.v1 import AppTest

from refundcore import clock, store

ASSIGN = """
import streamlit as st
from refundcore import desk
me = desk.page("Test")
if st.button("Act", key="act"):
    for _ in range({times}):
        done = desk.do(desk.{act}, me, "form", {given})
        st.session_state.setdefault("done", []).append(done)
desk.refusals("form")
"""


@pytest.fixture
def desk(tmp_path, monkeypatch) -> Desk:
    return open_desk(tmp_path, monkeypatch)


def acting(desk: Desk, act: str, given: str, person: str = "ana", times: int = 1) -> AppTest:
    script = AppTest.from_string(ASSIGN.format(act=act, given=given, times=times), default_timeout=30)
    return desk.sign_in(script, person).run()


def test_overlapping_clicks_on_a_form_do_the_thing_once(desk):
    desk.add(), desk.add()
    page = acting(desk, "take_next", "", times=2)
    page.button(key="act").click().run()
    first, second = page.session_state["done"]

    assert (first.repeated, second.repeated) == (False, True)
    assert first.claim == second.claim


def test_a_form_that_was_used_and_is_shown_again_does_a_new_thing(desk):
    desk.add(), desk.add()
    page = acting(desk, "take_next", "")
    page.button(key="act").click().run()
    page.button(key="act").click().run()
    first, second = page.session_state["done"]

    assert first.claim != second.claim


def test_a_stale_page_is_refused_with_what_happened_and_can_be_reloaded(desk):
    claim = desk.add()
    ben = desk.people["ben"]
    store.assign(desk.store, actor=ben.id, at=clock.now(), key="b", claim=claim.id, version=claim.version, to=ben.id)
    page = acting(desk, "assign", f"claim={claim.id}, version={claim.version}, to=None")
    page.button(key="act").click().run()
    assert "Ben took this claim" in texts(page)
    assert texts(page).count("Ben took this claim") == 2, "why it was refused, and what happened since"
    assert "Reload, keeping what I typed" in labels(page)
    page.button(key="reload_form").click().run()

    assert "Ben took" not in texts(page)
    assert desk.claim(claim.ref).assignee == "Ben"


def test_the_store_refuses_what_an_auditor_may_not_even_where_a_button_is_there(desk):
    claim = desk.add()
    page = acting(desk, "assign", f"claim={claim.id}, version={claim.version}, to=None", person="aud")
    page.button(key="act").click().run()

    assert page.session_state["done"] == [None]
    assert "auditor" in texts(page)
    assert desk.claim(claim.ref).version == claim.version


def test_an_unexpected_failure_is_logged_and_told_in_general_words(desk, caplog):
    claim = desk.add()
    page = acting(desk, "assign", f"claim={claim.id}, version={claim.version}, nonsense=1")
    with caplog.at_level(logging.ERROR, "refundcore.desk.acts"):
        page.button(key="act").click().run()

    assert not page.exception
    assert "Something went wrong on our side" in texts(page)
    assert "nonsense" not in texts(page)
    assert "nonsense" in caplog.text
