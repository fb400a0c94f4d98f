from datetime import UTC, datetime, timedelta

import pytest

from tasks.links.windows import InvalidWindow, Scope, Times, check

SUNDAY_TWO = datetime(2026, 11, 22, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("rrule", "zone", "at", "expected"),
    [
        ("", "UTC", "2026-11-22T01:59:59+00:00", False),
        ("", "UTC", "2026-11-22T02:00:00+00:00", True),
        ("", "UTC", "2026-11-22T02:59:59+00:00", True),
        ("", "UTC", "2026-11-22T03:00:00+00:00", False),
        ("", "UTC", "2026-11-29T02:30:00+00:00", False),
        ("FREQ=WEEKLY;BYDAY=SU", "UTC", "2026-11-29T02:30:00+00:00", True),
        ("FREQ=WEEKLY;BYDAY=SU", "UTC", "2026-11-30T02:30:00+00:00", False),
        ("FREQ=WEEKLY;BYDAY=SU", "UTC", "2026-11-15T02:30:00+00:00", False),
        ("FREQ=DAILY;COUNT=2", "UTC", "2026-11-23T02:30:00+00:00", True),
        ("FREQ=DAILY;COUNT=2", "UTC", "2026-11-24T02:30:00+00:00", False),
        ("FREQ=MONTHLY;BYDAY=2TU", "UTC", "2026-12-08T02:30:00+00:00", True),
        ("FREQ=MONTHLY;BYDAY=2TU", "UTC", "2026-12-01T02:30:00+00:00", False),
        # Three o'clock in Berlin is one in the summer and two in the winter, by UTC.
        ("FREQ=WEEKLY;BYDAY=SU", "Europe/Berlin", "2027-07-04T01:30:00+00:00", True),
        ("FREQ=WEEKLY;BYDAY=SU", "Europe/Berlin", "2027-07-04T02:30:00+00:00", False),
        ("FREQ=WEEKLY;BYDAY=SU", "Europe/Berlin", "2027-01-03T02:30:00+00:00", True),
    ],
)
def test_a_window_is_open_for_its_duration_from_each_of_its_starts(
    rrule: str, zone: str, at: str, expected: bool
) -> None:
    assert Times(SUNDAY_TWO, 3600, rrule, zone).is_open(datetime.fromisoformat(at)) is expected


def test_a_window_over_midnight_is_open_on_both_days() -> None:
    late = Times(datetime(2026, 11, 21, 23, tzinfo=UTC), 7200, "FREQ=DAILY")
    assert [late.is_open(datetime(2026, 11, 25, hour, 30, tzinfo=UTC)) for hour in (0, 1, 22, 23)] == [
        True,
        False,
        False,
        True,
    ]


def test_a_window_lasts_as_long_as_it_says_when_the_clock_is_put_back() -> None:
    night = Times(datetime(2026, 10, 25, 0, 30, tzinfo=UTC), 3600, "FREQ=DAILY", "Europe/Berlin")
    start = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert night.is_open(start + timedelta(minutes=59))


@pytest.mark.parametrize(
    ("scope", "host", "tags", "expected"),
    [
        (Scope(None, None), "a.example", [], True),
        (Scope("a.example", None), "a.example", [], True),
        (Scope("a.example", None), "b.example", [], False),
        (Scope(None, "docs"), "a.example", ["docs", "eu"], True),
        (Scope(None, "docs"), "a.example", ["eu"], False),
        (Scope("a.example", "docs"), "a.example", ["eu"], False),
        (Scope("a.example", "docs"), "a.example", ["docs"], True),
    ],
)
def test_a_window_covers_a_host_a_tag_both_or_everything(
    scope: Scope, host: str, tags: list[str], expected: bool
) -> None:
    assert scope.covers(host, tags) is expected


@pytest.mark.parametrize(
    ("times", "field"),
    [
        (Times(SUNDAY_TWO, 0), "duration_s"),
        (Times(SUNDAY_TWO, 40 * 86_400), "duration_s"),
        (Times(SUNDAY_TWO, 60, "", "Mars/Olympus"), "timezone"),
        (Times(SUNDAY_TWO, 60, "", "../../etc/passwd"), "timezone"),
        (Times(SUNDAY_TWO, 60, "every sunday"), "rrule"),
        (Times(SUNDAY_TWO, 60, "RRULE:FREQ=DAILY"), "rrule"),
        (Times(SUNDAY_TWO, 60, "FREQ=SECONDLY"), "rrule"),
        (Times(SUNDAY_TWO, 60, "FREQ=HOURLY"), "rrule"),
        (Times(SUNDAY_TWO, 60, "FREQ=DAILY;BYSECOND=1,2,3"), "rrule"),
        (Times(SUNDAY_TWO, 60, "FREQ=DAILY;INTERVAL=0"), "rrule"),
        (Times(SUNDAY_TWO, 60, "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"), "rrule"),
        (Times(SUNDAY_TWO, 60, "FREQ=DAILY;BYMONTH=x"), "rrule"),
        (Times(SUNDAY_TWO, 60, "FREQ=DAILY;INTERVAL=7;BYDAY=TU"), "rrule"),
        (Times(SUNDAY_TWO, 60, "FREQ=WEEKLY;BYDAY=XX"), "rrule"),
        (Times(SUNDAY_TWO, 60, "FREQ=DAILY\nDTSTART=20260101"), "rrule"),
    ],
)
def test_a_window_that_could_not_be_reckoned_is_refused_by_the_name_of_its_field(times: Times, field: str) -> None:
    with pytest.raises(InvalidWindow, match=f"^{field}: "):
        check(times)


@pytest.mark.parametrize(
    "rrule", ["", "FREQ=WEEKLY;BYDAY=SU", "FREQ=MONTHLY;BYMONTHDAY=-1", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29"]
)
def test_what_happens_now_and_then_is_taken(rrule: str) -> None:
    check(Times(SUNDAY_TWO, 3600, rrule, "Europe/Berlin"))
