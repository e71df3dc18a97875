"""Days and hours are counted as the law counts them, in every zone, over every change of the clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_oracle import rows_of

from refundcore import deadlines
from refundcore.deadlines import DAY, HOUR, SECOND, iso, micros, moment

OWN = Path(__file__).parent / "data" / "time_vectors.csv"
ZONES = (
    *("UTC", "Europe/Berlin", "America/New_York", "America/Los_Angeles", "Asia/Kathmandu", "Australia/Sydney"),
    *("America/Santiago", "Asia/Beirut", "Africa/Cairo", "America/St_Johns", "Pacific/Apia", "Asia/Tehran"),
)


def check_vector(row: dict[str, str]) -> None:
    event = micros(datetime.fromisoformat(row["event_local"]))
    holidays = [date.fromisoformat(day) for day in row["holidays"].replace(";", " ").split()]
    end = deadlines.count(event, int(row["n"]), row["kind"], row["convention"], row["zone"], holidays)
    if row["kind"] == "days":
        told = iso(deadlines.last_second(end)), iso(end)
        assert told == (row["expected_last_second_utc"], row["expected_late_from_utc"]), row["why"]
    else:
        assert iso(end) == row["expected_due_utc"], row["why"]


@pytest.mark.parametrize("row", rows_of(OWN), ids=lambda row: row["vector_id"])
def test_a_period_of_our_own_ends_when_it_should(row):
    check_vector(row)


def test_the_shared_periods_end_when_they_should(shared):
    for row in rows_of(shared / "policy" / "time-vectors.csv"):
        check_vector(row)


instants = st.integers(micros(datetime(1970, 1, 3, tzinfo=UTC)), micros(datetime(2090, 1, 1, tzinfo=UTC)))


@given(instants, st.sampled_from(ZONES))
def test_an_instant_lies_within_its_local_day(at, zone):
    column = np.array([at])
    number = deadlines.day_number(column, zone)
    assert deadlines.start_of_day(number, zone)[0] <= at < deadlines.end_of_day(number, zone)[0]


@given(instants, st.sampled_from(ZONES))
def test_the_number_of_a_day_is_the_date_on_the_wall(at, zone):
    wall = moment(at, ZoneInfo(zone))
    number = int(deadlines.day_number(np.array([at]), zone)[0])
    apart = abs((date(1970, 1, 1) + timedelta(days=number) - wall.date()).days)
    # Where a change of the clock repeats the end of a day, the repeated hour still belongs to it.
    assert apart == 0 or (apart == 1 and wall.hour in {0, 23})


@given(instants, st.integers(0, 30), st.sampled_from(ZONES))
def test_a_window_of_days_is_the_same_by_columns_and_alone(at, count, zone):
    column = deadlines.window_end(np.array([at]), count, zone)
    assert column[0] == deadlines.count(at, count, "days", "DAY-X", zone)


@given(instants, st.integers(1, 30), st.sampled_from(ZONES))
def test_a_window_rolled_over_a_weekend_ends_on_a_working_day(at, count, zone):
    rolled = deadlines.window_end(np.array([at]), count, zone, roll=True)
    assert moment(int(rolled[0]) - SECOND, ZoneInfo(zone)).weekday() < 5
    assert rolled[0] == deadlines.count(at, count, "days", "DAY-X+ROLL", zone)


@given(instants, st.sampled_from(ZONES))
def test_an_instant_shown_in_a_zone_and_read_back_is_the_same(at, zone):
    assert micros(datetime.fromisoformat(moment(at, ZoneInfo(zone)).isoformat())) == at


def test_the_last_day_ends_at_the_change_where_summer_time_removes_its_midnight():
    # Cairo went from 23:59:59 on 25 April 2024 straight to 01:00 on the 26th.
    event = micros(datetime(2024, 4, 18, 12, tzinfo=ZoneInfo("Africa/Cairo")))
    assert iso(deadlines.count(event, 7, "days", "DAY-X", "Africa/Cairo")) == "2024-04-25T22:00:00Z"


def test_both_hours_count_where_the_last_day_repeats_one():
    # Santiago repeats 23:00 to midnight on 5 April 2025.
    event = micros(datetime(2025, 3, 29, 10, tzinfo=ZoneInfo("America/Santiago")))
    end = deadlines.count(event, 7, "days", "DAY-X", "America/Santiago")
    assert end - deadlines.count(event, 6, "days", "DAY-X", "America/Santiago") == 25 * HOUR


def test_a_skipped_day_is_no_working_day_lost():
    # Apia went from 29 to 31 December 2011; seven calendar days are six days of waiting there.
    event = micros(datetime(2011, 12, 27, 12, tzinfo=ZoneInfo("Pacific/Apia")))
    end = deadlines.count(event, 7, "days", "DAY-X", "Pacific/Apia")
    assert moment(end, ZoneInfo("Pacific/Apia")).date() == date(2012, 1, 4)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: deadlines.zone_of("Mars/Base"), "is no time zone"),
        (lambda: deadlines.zone_of("../etc/passwd"), "'../etc/passwd' is no time zone"),
        (lambda: micros(datetime(2024, 5, 6)), "has no offset"),  # noqa: DTZ001 - the point of the test
        (lambda: deadlines.count(0, 7, "days", "HOUR-E", "UTC"), "is no way of counting days"),
        (lambda: deadlines.count(0, 7, "hours", "DAY-X", "UTC"), "is no way of counting hours"),
    ],
)
def test_what_cannot_be_counted_is_refused_with_a_sentence(call, says):
    with pytest.raises(ValueError, match=says):
        call()


def test_an_instant_is_told_with_a_fraction_only_where_it_has_one():
    assert iso(DAY) == "1970-01-02T00:00:00Z"
    assert iso(DAY + 500_000) == "1970-01-02T00:00:00.500000Z"


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York"])
@pytest.mark.parametrize("day", [date(deadlines.FIRST_YEAR, 1, 1), date(deadlines.LAST_YEAR, 12, 31)])
def test_the_first_and_the_last_day_that_are_counted_begin_and_end_at_midnight(zone, day):
    number = np.array([(day - date(1970, 1, 1)).days])
    begin, end = deadlines.start_of_day(number, zone)[0], deadlines.end_of_day(number, zone)[0]
    assert moment(int(begin), ZoneInfo(zone)).date() == day
    assert end - begin == DAY


def test_the_years_that_are_counted_are_told_and_missing_instants_lie_beyond_all_of_them():
    assert (deadlines.FIRST_YEAR, deadlines.LAST_YEAR) == (1900, 2199)
    assert (deadlines.FAR_PAST, deadlines.FAR_FUTURE) == (-(2**62), 2**62)


def test_the_change_that_removes_a_midnight_is_found_to_the_second():
    # Monrovia went from 44 minutes and 30 seconds behind to UTC at the midnight that began 7 January 1972.
    number = np.array([(date(1972, 1, 6) - date(1970, 1, 1)).days])
    assert iso(int(deadlines.end_of_day(number, "Africa/Monrovia")[0])) == "1972-01-07T00:44:30Z"


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
def test_days_of_centuries_are_counted_in_one_call(zone):
    days = np.array([(date(year, 7, 1) - date(1970, 1, 1)).days for year in (1900, 1969, 1970, 2024, 2199)])
    begins, ends = deadlines.start_of_day(days, zone), deadlines.end_of_day(days, zone)
    assert list(ends - begins) == [DAY] * 5
    assert list(deadlines.day_number(begins, zone)) == list(days)
    assert list(deadlines.day_number(ends - 1, zone)) == list(days)
    assert list(deadlines.day_number(ends, zone)) == list(days + 1)
