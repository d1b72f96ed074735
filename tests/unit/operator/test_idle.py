"""When a server stops: the rule as a table, and what holds for every schedule."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carrel_operator import idle
from carrel_operator import status as statuses
from carrel_operator.api import InstanceType, Notebook, Status
from carrel_operator.api.times import moment, stamp
from carrel_operator.settings import Cull
from unit.operator.worlds import PLAIN, container, home, pod, seen

DAY = "2026-11-27T"
STARTED = f"{DAY}10:00:00Z"
POLICY = Cull(timeout=3600, keep_at_most=86_400)


def notebook(
    activity: dict[str, Any] | None = None, started: str = STARTED, *, running: bool = True, **spec: Any
) -> Notebook:
    fields = {"owner": "ada", "running": running, "session": "s1", "instanceType": "small", "image": "i"}
    status = {"startedAt": started} if started else {}
    if activity:
        status["activity"] = {"session": "s1", "busy": False} | activity
    metadata = {"name": "ada", "namespace": "carrel", "uid": "u", "generation": 3}
    return Notebook.parse({"metadata": metadata, "spec": fields | spec, "status": status})


def size(idle_timeout: str) -> InstanceType:
    spec = {"cpu": {"limit": 1}, "memory": {"limit": "1Gi"}, "idleTimeout": idle_timeout}
    return InstanceType.parse({"metadata": {"name": "small"}, "spec": spec})


IDLE = {"idleSince": f"{DAY}13:05:00Z"}
BUSY = {"busy": True}
LONG_AGO = {"idleSince": f"{DAY}08:00:00Z"}
ASKED = {"keepAskedAt": f"{DAY}14:00:00Z"}

STOPS: dict[str, tuple[Notebook, str, Cull, str | None]] = {
    "never said a word: since its start": (notebook(), "", POLICY, f"{DAY}11:00:00Z"),
    "idle": (notebook(IDLE), "", POLICY, f"{DAY}14:05:00Z"),
    "busy": (notebook(BUSY), "", POLICY, None),
    "busy, in a session before this one": (
        notebook(BUSY | {"session": "s0"}),
        "",
        POLICY,
        f"{DAY}11:00:00Z",
    ),
    "idle since before the container was started again": (notebook(LONG_AGO), "", POLICY, f"{DAY}11:00:00Z"),
    "a size that sleeps sooner": (notebook(IDLE), "10m", POLICY, f"{DAY}13:15:00Z"),
    "a size that never does": (notebook(IDLE), "never", POLICY, None),
    "not culled at all": (notebook(IDLE), "10m", Cull(enabled=False, max_age=60), None),
    "not running": (notebook(IDLE, running=False), "", POLICY, None),
    "not running yet": (notebook(IDLE, started=""), "", POLICY, None),
    "kept": (notebook(IDLE, keepUntil=f"{DAY}20:00:00Z", **ASKED), "", POLICY, f"{DAY}20:00:00Z"),
    "kept for less than it has anyway": (
        notebook(IDLE, keepUntil=f"{DAY}13:30:00Z", **ASKED),
        "",
        POLICY,
        f"{DAY}14:05:00Z",
    ),
    "kept and busy": (notebook(BUSY, keepUntil=f"{DAY}20:00:00Z", **ASKED), "", POLICY, None),
    "kept longer than one may": (
        notebook(IDLE, keepUntil="2027-01-01T00:00:00Z", **ASKED),
        "",
        POLICY,
        "2026-11-28T14:00:00Z",
    ),
    "kept by kubectl for ever": (
        notebook(IDLE, keepUntil="9999-12-31T23:59:59Z"),
        "",
        POLICY,
        "2026-11-28T13:05:00Z",
    ),
    "kept where nobody may": (
        notebook(IDLE, keepUntil="2027-01-01T00:00:00Z", **ASKED),
        "",
        Cull(timeout=3600, keep_at_most=0),
        f"{DAY}14:05:00Z",
    ),
    "old and busy": (notebook(BUSY), "", Cull(max_age=7200), f"{DAY}12:00:00Z"),
    "old and kept": (
        notebook(IDLE, keepUntil=f"{DAY}20:00:00Z", **ASKED),
        "",
        Cull(max_age=7200),
        f"{DAY}12:00:00Z",
    ),
    "young and idle": (notebook(IDLE), "", Cull(timeout=3600, max_age=86_400), f"{DAY}14:05:00Z"),
}


@pytest.mark.parametrize("case", STOPS)
def test_when_it_stops(case: str) -> None:
    of, own, policy, at = STOPS[case]
    stop = idle.planned(of, size(own), policy)
    assert (stamp(stop.at) if stop else None) == at


MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
SECONDS = st.integers(1, 400_000)


@given(started=MOMENTS, idle_for=SECONDS, kept_for=SECONDS, timeout=st.integers(10, 100_000))
def test_it_has_what_it_may_and_never_more_than_a_person_may_keep_it(
    started: datetime, idle_for: int, kept_for: int, timeout: int
) -> None:
    since = started + timedelta(seconds=idle_for)
    policy = Cull(timeout=timeout)
    of = notebook(
        {"idleSince": stamp(since)},
        stamp(started),
        keepUntil=stamp(since + timedelta(seconds=kept_for)),
        keepAskedAt=stamp(since),
    )
    stop = idle.planned(of, None, policy)
    assert stop
    since = since.replace(microsecond=0)
    assert stop.at >= since + timedelta(seconds=timeout)
    assert stop.at <= since + timedelta(seconds=max(timeout, policy.keep_at_most))
    assert stop.at >= since + timedelta(seconds=min(kept_for, policy.keep_at_most))


@given(MOMENTS)
def test_a_time_that_was_written_is_read_again(time: datetime) -> None:
    assert moment(stamp(time)) == time.replace(microsecond=0)


@pytest.mark.parametrize(
    "text", [None, "", "soon", "2026-11-27", "2026-11-27T10:00:00", "2026-02-30T00:00:00Z"]
)
def test_what_is_no_time_with_a_zone_is_none(text: str | None) -> None:
    assert moment(text) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("8h", 28_800),
        ("1h30m", 5400),
        ("45s", 45),
        ("1h1s", 3601),
        ("", None),
        ("0s", None),
        ("8", None),
        ("-1h", None),
        ("30m1h", None),
        ("1.5h", None),
    ],
)
def test_durations(text: str, seconds: int | None) -> None:
    assert idle.seconds(text) == seconds


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(86_400, "24 hours"), (3600, "1 hour"), (5400, "90 minutes"), (20, "20 seconds"), (0, "no time")],
)
def test_durations_in_words(seconds: float, said: str) -> None:
    assert idle.words(seconds) == said


@pytest.mark.parametrize(
    ("since", "said"),
    [
        (f"{DAY}13:05:00Z", "nothing had run since 13:05 UTC."),
        ("2026-11-26T23:59:00Z", "nothing had run since 26 November 23:59 UTC."),
        (None, "no server may run for longer."),
    ],
)
def test_the_farewell_says_when_and_why(since: str | None, said: str) -> None:
    now = moment(f"{DAY}14:05:00Z")
    assert now
    sentence = idle.farewell(idle.Stop(now, moment(since)), now)
    assert sentence == (f"It was stopped at 14:05 UTC, because {said} Your files are safe; start it again.")


def test_the_status_of_a_running_server_says_when_it_stops_and_is_not_written_again() -> None:
    at_work = pod(notebook(), status=container(running={"startedAt": STARTED}))
    world = seen(notebook(IDLE), home=home(), pod=at_work)
    found = statuses.status(world, PLAIN, statuses.Answers(), datetime.now(UTC))
    assert (found.started_at, found.will_stop_at) == (STARTED, f"{DAY}14:05:00Z")
    assert Status.parse(found.body()).body() == found.body()


def test_a_server_that_was_stopped_by_itself_says_why_until_it_is_started_again() -> None:
    def said(session: str, *, running: bool) -> str:
        annotations = {"carrel.dev/stopped-session": "s1", "carrel.dev/stopped-because": "Because."}
        metadata = {"name": "ada", "namespace": "carrel", "uid": "u", "annotations": annotations}
        fields = {"owner": "ada", "running": running, "session": session}
        body = {"metadata": metadata, "spec": fields | {"instanceType": "small", "image": "standard"}}
        return statuses.status(
            seen(Notebook.parse(body)), PLAIN, statuses.Answers(), datetime.now(UTC)
        ).message

    assert said("s1", running=False) == "Because."
    assert said("s1", running=True) != "Because."
    assert said("s2", running=False) == "The server is stopped."
