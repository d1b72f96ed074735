"""What is said of a server's size before the operator has looked, and what of a report is news."""

import json
from typing import Any

import pytest

from carrel_hub import reports, sizes
from carrel_operator.api import InstanceType, Notebook
from carrel_operator.catalogue import Catalogue


def size(name: str, **spec: Any) -> InstanceType:
    spec = {"cpu": {"request": "100m", "limit": 1}, "memory": {"request": "1Gi", "limit": "2Gi"}} | spec
    return InstanceType.parse({"metadata": {"name": name}, "spec": spec})


CATALOGUE = Catalogue(
    {
        each.name: each
        for each in (
            size("small", growTo="large", pricePerHour=0.05, order=1),
            size("large", memory={"request": "1Gi", "limit": "4Gi"}, order=2),
            size("gpu", gpu={"resource": "nvidia.com/gpu", "count": 1}, order=3),
            size("theirs", allowedGroups=["somebody-else"]),
        )
    }
)


def notebook(generation: int = 2, **status: Any) -> Notebook:
    status = {"observedGeneration": 2, "instanceType": "small"} | status
    spec = {"owner": "ada", "running": True, "session": "s1", "instanceType": "large", "image": "standard"}
    metadata = {"name": "ada", "namespace": "carrel", "uid": "u", "generation": generation}
    return Notebook.parse({"metadata": metadata, "spec": spec, "status": status})


def view(of: Notebook | None) -> dict[str, Any]:
    return sizes.view(of, "small", CATALOGUE, (), "€")


def test_the_sizes_are_those_that_the_person_may_use() -> None:
    small, large, gpu = view(notebook())["sizes"]
    assert small == {
        "name": "small",
        "display_name": "small",
        "description": "",
        "cpu": "1",
        "memory": "2 GiB",
        "memory_bytes": 2 * 1024**3,
        "price_per_hour": 0.05,
        "grow_to": "large",
        "live": True,
        "why": "",
    }
    assert (large["live"], large["grow_to"]) == (True, None)
    assert gpu["live"] is False
    assert "restart" in gpu["why"]


def test_without_a_server_nothing_needs_a_restart() -> None:
    found = view(None)
    assert (found["instance_type"], found["running"], found["resize"]) == ("small", False, None)
    assert all(each["live"] for each in found["sizes"])


def test_what_was_just_asked_is_under_way_until_the_operator_has_looked() -> None:
    applied = {"state": "Applied", "reason": "Applied", "message": "Size 'large' is in force."}
    assert view(notebook(resize=applied))["resize"] == applied
    assert view(notebook(generation=3, resize=applied))["resize"]["state"] == "InProgress"
    assert view(notebook())["resize"] is None


KILL = {"at": "2026-11-23T20:00:00+01:00", "action": "Interrupted", "message": "Too much."}


def report(**parts: Any) -> reports.Report:
    return reports.parse(json.dumps(parts).encode())


def test_a_report_is_written_when_it_is_news() -> None:
    told = reports.Told()
    first = report(
        memory={"peak": 1000, "last_kill": KILL},
        home={"used": 50, "size": 1000},
        projects={"forecast": {"used": 70, "size": 100}},
    )
    assert told.news(first, "s1") == {
        "memory": {"memory": {"peak": "1000", "session": "s1"}},
        "kill": {
            "memory": {
                "lastKill": {"at": "2026-11-23T19:00:00Z", "action": "Interrupted", "message": "Too much."}
            }
        },
        "home": {"volumes": [{"name": "home", "used": "50", "fileSystem": "1000", "usedPercent": 5}]},
        "projects": {
            "projectVolumes": [{"name": "forecast", "used": "70", "fileSystem": "100", "usedPercent": 70}]
        },
    }
    assert told.news(first, "s1") == {}
    assert told.news(report(memory={"peak": 1010}, home={"used": 55, "size": 1000}), "s1") == {}
    assert told.news(report(memory={"peak": 2000}, home={"used": 61, "size": 1000}), "s1").keys() == {
        "memory",
        "home",
    }
    assert told.news(report(memory={"peak": 500}), "s1").keys() == {"memory"}
    assert told.news(first, "s2") == {
        "memory": {"memory": {"peak": "1000", "session": "s2"}},
        "home": {"volumes": [{"name": "home", "used": "50", "fileSystem": "1000", "usedPercent": 5}]},
    }, "a peak is that of its session"


def test_projects_that_are_no_longer_mounted_are_no_longer_told() -> None:
    told = reports.Told()
    told.news(report(projects={"a": {"used": 1, "size": 10}, "b": {"used": 1, "size": 10}}), "s1")
    found = told.news(report(projects={"b": {"used": 1, "size": 10}}), "s1")
    assert [each["name"] for each in found["projects"]["projectVolumes"]] == ["b"]
    assert told.news(report(projects={}), "s1") == {"projects": {"projectVolumes": []}}


def test_a_home_is_never_more_than_full() -> None:
    found = report(home={"used": 2000, "size": 1000}).home
    assert found is not None
    assert found.percent == 100


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"memory": {"peak": 1e40}}',
        b'{"home": {"used": 1}}',
        b'{"projects": {"../x": {"used": 1, "size": 2}}}',
    ],
)
def test_what_is_no_report_is_refused_in_a_sentence(content: bytes) -> None:
    with pytest.raises(reports.ReportError, match=r"^The report can't be used: .*\.$"):
        reports.parse(content)
