"""What a person may ask for, by time or by duration, in every zone and on the days on which clocks change."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carrel_hub import keeping
from carrel_operator.settings import Cull

NOW = datetime(2026, 11, 27, 18, 0, tzinfo=UTC)
POLICY = Cull(keep_at_most=86_400)


def until(policy: Cull = POLICY, now: datetime = NOW, **fields: Any) -> datetime | None:
    return keeping.until(fields, policy, now)


@pytest.mark.parametrize(
    ("fields", "at"),
    [
        ({"keep_until": "2026-11-28T02:00:00Z"}, datetime(2026, 11, 28, 2, tzinfo=UTC)),
        ({"keep_until": "2026-11-28T08:00:00+01:00"}, datetime(2026, 11, 28, 7, tzinfo=UTC)),
        ({"keep_for": "8h"}, datetime(2026, 11, 28, 2, tzinfo=UTC)),
        ({"keep_for": 3600}, datetime(2026, 11, 27, 19, tzinfo=UTC)),
        ({"keep_for": "24h"}, datetime(2026, 11, 28, 18, tzinfo=UTC)),
        ({"keep_until": "2026-11-28T18:03:00Z"}, datetime(2026, 11, 28, 18, tzinfo=UTC)),
        ({"keep_until": None}, None),
        ({"keep_for": None}, None),
    ],
)
def test_what_is_granted(fields: dict[str, Any], at: datetime | None) -> None:
    assert until(**fields) == at


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"keep_until": "2026-11-28T02:00:00"}, "must be a time with its zone"),
        ({"keep_until": "tomorrow"}, "must be a time with its zone"),
        ({"keep_until": 5}, "must be a time with its zone"),
        ({"keep_until": "2026-02-30T00:00:00Z"}, "must be a time with its zone"),
        ({"keep_until": "0001-01-01T00:00:00+23:59"}, "out of all bounds"),
        ({"keep_until": "2026-11-27T17:59:59Z"}, "is 2026-11-27T17:59:59Z, and that has passed"),
        ({"keep_until": "2026-11-30T00:00:00Z"}, "for 24 hours at a time, now until 2026-11-28T18:00:00Z."),
        ({"keep_for": "25h"}, "for 24 hours at a time"),
        ({"keep_for": "soon"}, 'must be a time such as "8h"'),
        ({"keep_for": -5}, 'must be a time such as "8h"'),
        ({"keep_for": True}, 'must be a time such as "8h"'),
        ({"keep_for": float("nan")}, 'must be a time such as "8h"'),
        ({"keep_for": "99999999h"}, 'must be a time such as "8h"'),
        ({"keep_for": 60, "keep_until": None}, "not both"),
    ],
)
def test_what_is_refused_and_why(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(keeping.KeepError, match=said):
        until(**fields)


def test_an_administrator_may_forbid_it() -> None:
    with pytest.raises(keeping.KeepError, match="your administrator has set no time for it"):
        until(Cull(keep_at_most=0), keep_for="1h")
    with pytest.raises(keeping.KeepError, match="nothing to keep"):
        until(Cull(enabled=False), keep_for="1h")
    assert until(Cull(keep_at_most=0), keep_for=None) is None, "to stop as usual is never too long"


@given(
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"]),
    now=st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001
    hours=st.integers(1, 24),
)
def test_eight_hours_are_eight_hours_whatever_clocks_do_meanwhile(
    zone: str, now: datetime, hours: int
) -> None:
    """A wall clock's time, with the offset that it has then, is the same moment as so many hours from now."""
    then = (now + timedelta(hours=hours)).astimezone(ZoneInfo(zone))
    assert until(now=now, keep_until=then.isoformat()) == now + timedelta(hours=hours)
    assert until(now=now, keep_for=f"{hours}h") == now + timedelta(hours=hours)
