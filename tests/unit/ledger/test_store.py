"""The ledger's file: what is written is read, also by the next process."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from carrel_warehouse.ledger.store import KEPT_DAYS, Charge, Ledger, Time

DAY = date(2026, 11, 28)
NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
CHARGE = Charge("p", "job-1", "US", DAY, NOON, "ada", "", "ada", "cell", "notes-ipynb", 5, 10, "RUNNING")
TIME = Time(DAY, "ada", "", "ada", "small", 0.5, 60)


def test_a_job_is_charged_once_with_what_is_known_last(ledger: Ledger) -> None:
    ledger.write(CHARGE)
    done = replace(CHARGE, state="DONE", billed=7)
    ledger.write(done)
    assert ledger.charges(DAY) == [done]
    assert ledger.spent(DAY, person="ada") == 7


def test_the_same_job_id_elsewhere_is_another_job(ledger: Ledger) -> None:
    ledger.write(CHARGE)
    ledger.write(replace(CHARGE, location="EU"))
    ledger.write(replace(CHARGE, billing_project="q"))
    assert ledger.spent(DAY, person="ada") == 30


def test_a_project_pays_for_all_of_its_members_and_nobody_else(ledger: Ledger) -> None:
    for number, (person, project) in enumerate(
        [("ada", ""), ("ada", "risk"), ("bob", "risk"), ("bob", "sales")]
    ):
        ledger.write(replace(CHARGE, job=str(number), person=person, project=project, billed=10**number))
    assert ledger.spent(DAY, person="ada") == 1
    assert ledger.spent(DAY, person="bob") == 0
    assert ledger.spent(DAY, project="risk") == 110
    assert ledger.spent(DAY - timedelta(days=1), project="risk") == 0


def test_charges_of_some_days(ledger: Ledger) -> None:
    days = [replace(CHARGE, job=str(n), day=DAY + timedelta(days=n)) for n in range(4)]
    for each in days:
        ledger.write(each)
    assert ledger.charges(DAY + timedelta(days=1), DAY + timedelta(days=2)) == days[1:3]


def test_times_add_up_by_size_and_price(ledger: Ledger) -> None:
    for size, price, seconds in (
        ("small", 0.5, 60),
        ("small", 0.5, 30),
        ("large", 2.0, 10),
        ("small", 0.6, 1),
    ):
        ledger.add_time(replace(TIME, size=size, price_per_hour=price, seconds=seconds))
    found = {(each.size, each.price_per_hour): each.seconds for each in ledger.times(DAY)}
    assert found == {("small", 0.5): 90, ("large", 2.0): 10, ("small", 0.6): 1}


def test_times_and_until_when_they_are_counted_are_written_together(ledger: Ledger) -> None:
    ledger.count([TIME], {"uid-1": NOON})
    ledger.count([TIME], {"uid-2": NOON})
    assert ledger.times(DAY) == [replace(TIME, seconds=120)]
    assert ledger.counted() == {"uid-2": NOON}


def test_if_one_half_fails_the_other_is_not_there(ledger: Ledger) -> None:
    ledger.count([TIME], {"uid-1": NOON})
    unwritable = replace(TIME, seconds=None)  # type: ignore[arg-type]
    with pytest.raises(Exception, match="NOT NULL"):
        ledger.count([TIME, unwritable], {"uid-2": NOON})
    assert ledger.times(DAY) == [TIME]
    assert ledger.counted() == {"uid-1": NOON}


@pytest.mark.parametrize("location", ["US", ""])
def test_a_job_is_found_without_looking_at_all_others(ledger: Ledger, location: str) -> None:
    ledger.write(CHARGE)
    asked: list[str] = []
    ledger._database.set_trace_callback(asked.append)
    assert ledger.find("p", location, "job-1") == CHARGE
    ledger._database.set_trace_callback(None)
    plan = ledger._database.execute(f"EXPLAIN QUERY PLAN {asked[0]}").fetchall()
    assert "charges_by_job (job=?)" in plan[0][3]


def test_old_days_go(ledger: Ledger) -> None:
    old = DAY - timedelta(days=KEPT_DAYS + 1)
    for day in (old, DAY - timedelta(days=KEPT_DAYS), DAY):
        ledger.write(replace(CHARGE, job=str(day), day=day))
        ledger.add_time(replace(TIME, day=day))
    ledger.forget(DAY)
    assert len(ledger.charges(old)) == len(ledger.times(old)) == 2


def test_what_is_written_outlives_the_process(tmp_path: Path) -> None:
    first = Ledger(tmp_path)
    first.write(CHARGE)
    first.count([TIME], {"uid-1": NOON})
    second = Ledger(tmp_path)  # the first was killed, and closed nothing
    assert (second.charges(DAY), second.times(DAY), second.counted()) == ([CHARGE], [TIME], {"uid-1": NOON})
    second.close()
    first.close()
