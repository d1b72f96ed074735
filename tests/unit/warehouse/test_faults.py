"""What is said of a query before it runs at all: faults that its label asks for, labels and texts that BigQuery refuses."""

import asyncio
import io
import json
from typing import Any

import pytest

from carrel_warehouse.stand_in import labels, texts
from carrel_warehouse.stand_in.faults import LABEL, Faults
from unit.warehouse.doubles import ApiServer, Client, EmulatorDouble, signed_in

PROJECT = "/bigquery/v2/projects/p"
LONGEST = texts.LONGEST


def as_job(text: str, **more: Any) -> tuple[str, dict[str, Any]]:
    return f"{PROJECT}/jobs", {"configuration": {"query": {"query": text}, **more}}


def as_query(text: str, **more: Any) -> tuple[str, dict[str, Any]]:
    return f"{PROJECT}/queries", {"query": text, **more}


@pytest.mark.parametrize("text", ["", " \n", "-- a", "# a\n/* b\n*/ ;", "/**/" * 10_000])
def test_nothing_is_no_query(text: str) -> None:
    assert texts.problem(None) == "Required parameter is missing: query"
    assert str(texts.problem(text)).startswith("Syntax error")


@pytest.mark.parametrize("text", ["SELECT 1", "-- a\nSELECT '--'", "/* a */ x", "/* a", "-", 7])
def test_something_is_for_the_warehouse_to_judge(text: object) -> None:
    assert texts.problem(text) is None


def sent(body: dict[str, Any]) -> io.BytesIO:
    """JSON as aiohttp wants what is large."""
    return io.BytesIO(json.dumps(body).encode())


@pytest.mark.parametrize("ask", [as_job, as_query])
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("http_429", (429, "rateLimitExceeded")),
        ("http_500", (500, "internalError")),
        ("http_503", (503, "backendError")),
    ],
)
async def test_a_fault_is_had_as_often_as_it_was_asked_for(
    client: Client, api_server: ApiServer, ask: Any, fault: str, said: tuple[int, str]
) -> None:
    status = said[0]
    ada, bob = (
        await signed_in(client, api_server, "user-ada"),
        await signed_in(client, api_server, "user-bob"),
    )

    async def had(times: str, who: dict[str, str]) -> int:
        path, body = ask("SELECT 1", labels={LABEL: f"{fault}{times}"})
        async with client.post(path, json=body, headers=who) as answer:
            if answer.status != 200:
                found = (await answer.json())["error"]
                assert (found["code"], found["errors"][0]["reason"]) == said
            return answer.status

    assert [await had("", ada) for _ in range(3)] == [status] * 3
    assert [await had("_2", ada) for _ in range(2)] == [status] * 2
    assert await had("_2", bob) == status, "each person has their own"
    assert [await had("_2", ada) for _ in range(2)] == [200, status], "then it is had anew"


async def test_a_dry_run_has_no_fault(client: Client, api_server: ApiServer) -> None:
    ada = await signed_in(client, api_server, "user-ada")
    path, body = as_job("SELECT 1", labels={LABEL: "http_500"}, dryRun=True)
    async with client.post(path, json=body, headers=ada) as answer:
        assert answer.status == 200


async def test_who_hangs_is_not_answered() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await Faults().strike("ada", {LABEL: "hang"})


@pytest.mark.parametrize("value", ["", "http_200", "http_500_0", "http_500_x", "hang_up", 500, None])
async def test_what_is_no_fault_runs(value: object) -> None:
    assert await Faults().strike("ada", {LABEL: value}) is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, None),
        ({}, None),
        ({"team": "a-b_1", "größe": "", "団体": "ä"}, None),
        ({"k" * 63: "v" * 63}, None),
        ([], "Labels are pairs of a key and a value, not list."),
        ({str(n): "" for n in range(65)}, "A job may have 64 labels at most, not 65."),
        ({"Team": "a"}, "The label key 'Team' is not allowed: "),
        ({"1a": "a"}, "and begins with a letter."),
        ({"": "a"}, "The label key '' is not allowed: "),
        ({"k" * 64: "a"}, "at most 63"),
        ({"team": "A B"}, "The value 'A B' of the label 'team' is not allowed: it takes lower-case letters"),
        ({"team": "v" * 64}, "at most 63"),
        ({"team": 7}, "The value 7 of the label 'team' is not allowed"),
    ],
)
def test_labels(given: object, said: str | None) -> None:
    found = labels.problem(given)
    assert found is None if said is None else said in str(found)


@pytest.mark.parametrize("ask", [as_job, as_query])
async def test_bad_labels_and_too_much_text_are_refused(
    client: Client, api_server: ApiServer, emulator: EmulatorDouble, ask: Any
) -> None:
    ada = await signed_in(client, api_server, "user-ada")
    long = f"SELECT 1 /*{'x' * LONGEST}*/"
    for (path, body), said in (
        (ask("SELECT 1", labels={"Team": "a"}), "The label key 'Team' is not allowed"),
        (ask(long), f"The query is too large: {len(long)} characters."),
    ):
        async with client.post(path, data=sent(body), headers=ada) as answer:
            assert answer.status == 400
            found = (await answer.json())["error"]
            assert (found["errors"][0]["reason"], said in found["message"]) == ("invalid", True)
    assert emulator.jobs == []
    path, body = ask(f"SELECT 1 /*{'x' * (LONGEST - 13)}*/")
    async with client.post(path, data=sent(body), headers=ada) as answer:
        assert answer.status == 200
