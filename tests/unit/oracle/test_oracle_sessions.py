"""Sessions by the definition, over midnights of two zones."""

from datetime import UTC, date, datetime
from decimal import Decimal

from oracle.book import Book
from oracle.report import Reports
from oracle.tables import tables
from support.events import order, record, settings, visit

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def seen(*times: str, zone: str | None = None, session: str = "a") -> Book:
    book = Book()
    if zone is not None:
        book.take(record(settings("s", zone)))
    book.take_all(record(visit("s", session, when)) for when in times)
    return book


def gaps(*times: str) -> list[tuple[str, str, int]]:
    """Day and time, gap, visits."""
    found = tables(seen(*times)).sums["sessions_15m"]
    return [(slot[5:16], gap, int(count)) for (_, slot, gap), (count,) in sorted(found.items())]


def sessions(book: Book, day: int) -> int:
    span = (date(2026, 11, day), date(2026, 11, day))
    found: int = Reports(book).metrics("s", NOW, span)["sessions"]
    return found


def test_a_session_counts_by_the_quarters_since_it_was_seen_before() -> None:
    assert gaps(
        "2026-11-22T10:00:00Z",
        "2026-11-22T10:14:59Z",  # the same quarter
        "2026-11-22T10:15:00Z",
        "2026-11-22T12:59:00Z",
        "2026-11-24T14:30:00Z",  # 49 hours and three quarters
        "2026-11-26T16:40:00Z",  # 50 hours
        "2026-11-30T00:00:00Z",
    ) == [
        ("11-22 10:00", "200", 1),
        ("11-22 10:15", "1", 1),
        ("11-22 12:45", "10", 1),
        ("11-24 14:30", "199", 1),
        ("11-26 16:30", "200", 1),
        ("11-30 00:00", "200", 1),
    ]


def test_the_order_of_arrival_does_not_matter() -> None:
    times = ["2026-11-22T10:00:00Z", "2026-11-22T11:00:00Z", "2026-11-22T12:00:00Z"]
    assert gaps(*times) == gaps(times[2], times[0], times[1], times[0])


OVER_MIDNIGHT = ("2026-11-22T23:50:00Z", "2026-11-23T00:10:00Z")


def test_over_a_midnight_a_session_counts_on_both_days() -> None:
    book = seen(*OVER_MIDNIGHT)
    assert [sessions(book, day) for day in (21, 22, 23, 24)] == [0, 1, 1, 0]


def test_in_another_zone_the_same_visits_are_of_one_day() -> None:
    book = seen(*OVER_MIDNIGHT, zone="Asia/Kathmandu")
    assert [sessions(book, day) for day in (22, 23)] == [0, 1]
    book = seen(*OVER_MIDNIGHT, zone="America/St_Johns")
    assert [sessions(book, day) for day in (22, 23)] == [1, 0]


def test_a_period_adds_up_its_days() -> None:
    book = seen(*OVER_MIDNIGHT)
    book.take(record(visit("s", "b", "2026-11-23T09:00:00Z")))
    book.take(record(order("s", "o", created="2026-11-23T09:05:00Z")))
    found = Reports(book).metrics("s", NOW, (date(2026, 11, 22), date(2026, 11, 23)))
    assert (found["sessions"], found["conversionRate"]) == (3, Decimal("0.3333"))


def test_without_sessions_nobody_was_converted() -> None:
    found = Reports(Book()).metrics("nobody", NOW)
    assert (found["sessions"], found["conversionRate"]) == (0, None)
