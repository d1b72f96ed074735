"""Desired is in observed: what Kubernetes adds does not count, what it drops does not either, all else does."""

import pytest

from carrel_operator.comparison import covers

REFERENCE = {"uid": "1", "name": "ada"}


@pytest.mark.parametrize(
    ("seen", "wanted", "answer"),
    [
        ({"a": 1, "added": 2}, {"a": 1}, True),
        ({"a": 1}, {"a": 2}, False),
        ({}, {"a": 1}, False),
        ({}, {"a": [], "b": {}, "c": "", "d": False, "e": None}, True),
        ({"a": [1]}, {"a": []}, False),
        ({"ports": [{"port": 1, "protocol": "TCP"}]}, {"ports": [{"port": 1}]}, True),
        ({"ports": [{"port": 1}, {"port": 2}]}, {"ports": [{"port": 1}]}, False),
        ({"ports": [{"port": 2}, {"port": 1}]}, {"ports": [{"port": 1}, {"port": 2}]}, False),
        ({"refs": [{"uid": "0"}, REFERENCE]}, {"refs": [REFERENCE]}, True),
        ({"refs": [{"uid": "0"}]}, {"refs": [REFERENCE]}, False),
        ({"a": "1"}, {"a": {"b": 1}}, False),
        ({"a": "text"}, {"a": ["t"]}, False),
        ({"a": {"b": 1}}, {"a": (1,)}, False),
        ({"flag": True}, {"flag": False}, False),
    ],
)
def test_covers(seen: object, wanted: object, answer: bool) -> None:
    assert covers(seen, wanted) is answer
