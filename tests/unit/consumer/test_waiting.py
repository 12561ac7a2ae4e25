"""How long `shopstream.stream` waits before it comes back."""

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from shopstream import consumer
from shopstream.consumer import _Pause, _retry_seconds


async def test_a_server_that_is_away_for_days_is_still_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    pause = _Pause()
    for _ in range(2000):
        await pause.wait()
    assert 0.5 <= waited[0] <= consumer.FIRST_WAIT
    assert all(15 <= each <= consumer.LONGEST_WAIT for each in waited[10:])


NOW = datetime(2026, 11, 22, 10, 15, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("after", "seconds"),
    [
        ("7", 7.0),
        ("Sun, 22 Nov 2026 10:16:00 GMT", 30.0),
        ("Sunday, 22-Nov-26 10:16:00 GMT", 30.0),
        ("Sun, 22 Nov 2026 10:15:00 GMT", 0.0),
        ("Sun, 99 Nov 2026 10:15:00 GMT", 0.0),
        ("soon", 0.0),
        ("-5", 0.0),
        ("\u0667", 0.0),
        ("", 0.0),
    ],
)
def test_a_server_says_when_to_come_back_in_seconds_or_as_a_date(
    after: str, seconds: float
) -> None:
    headers = httpx.Headers(
        {"Retry-After": after.encode(), "Date": format_datetime(NOW, usegmt=True)}
    )
    assert _retry_seconds(headers) == seconds


def test_without_the_clock_of_the_server_its_date_is_compared_with_ours() -> None:
    until = datetime.now(UTC) + timedelta(minutes=1)
    headers = httpx.Headers({"Retry-After": format_datetime(until, usegmt=True)})
    assert 55 < _retry_seconds(headers) <= 60
    assert _retry_seconds(httpx.Headers({})) == 0
