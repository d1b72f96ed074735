"""What the operator sends to the warehouse, and what it makes of the answers."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.auth import exceptions
from google.auth.credentials import AnonymousCredentials

from carrel_operator import bigquery
from carrel_operator.bigquery import Warehouse, WarehouseError
from unit.operator.warehouse_server import WarehouseServer, serving

SALES = "analytics-prod.sales"
ADA = {"role": "READER", "iamMember": "principal://x/subject/ada"}


@pytest.fixture
def server() -> Iterator[WarehouseServer]:
    with serving(WarehouseServer({SALES: [ADA]})) as there:
        yield there


async def test_a_list_is_read_and_written_under_its_version(server: WarehouseServer) -> None:
    warehouse = server.client()
    found = await warehouse.read(SALES)
    assert found.entries == (ADA,)
    await warehouse.write(SALES, [], found.etag)
    assert server.access[SALES] == []


async def test_who_comes_too_late_changes_nothing(server: WarehouseServer) -> None:
    warehouse = server.client()
    found = await warehouse.read(SALES)
    server.edit(SALES, [])
    with pytest.raises(bigquery.ChangedError):
        await warehouse.write(SALES, [ADA, ADA], found.etag)
    assert server.access[SALES] == []


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (400, bigquery.RefusedError),
        (401, bigquery.SignInError),
        (403, bigquery.ForbiddenError),
        (404, bigquery.MissingError),
        (429, bigquery.UnreachableError),
        (500, bigquery.UnreachableError),
        (503, bigquery.UnreachableError),
    ],
)
async def test_refusals(server: WarehouseServer, code: int, kind: type[WarehouseError]) -> None:
    server.before = lambda _method, _dataset: code
    with pytest.raises(kind) as caught:
        await server.client().read(SALES)
    assert type(caught.value) is kind


async def test_a_warehouse_that_is_not_there_is_not_asked_again_at_once() -> None:
    warehouse = Warehouse("http://127.0.0.1:9", AnonymousCredentials(), pause=60.0)  # type: ignore[no-untyped-call]
    with pytest.raises(bigquery.UnreachableError, match="no answer"):
        await warehouse.read(SALES)
    with serving(WarehouseServer({SALES: []})) as server:
        warehouse.address = server.address
        with pytest.raises(bigquery.UnreachableError):
            await warehouse.read(SALES)
        assert server.asked == []


async def test_a_quota_that_is_used_up_is_no_missing_right() -> None:
    content = b'{"error": {"message": "slow down", "errors": [{"reason": "rateLimitExceeded"}]}}'
    with pytest.raises(bigquery.UnreachableError, match="HTTP 403"):
        bigquery._answer(403, content)


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b"[]", b'{"error": "no"}', b'{"error": {"errors": [1]}}']
)
def test_answers_that_are_no_json_of_googles(content: bytes) -> None:
    with pytest.raises(bigquery.ForbiddenError, match="HTTP 403"):
        bigquery._answer(403, content)


async def test_who_can_not_sign_in_is_told_so(server: WarehouseServer) -> None:
    class Unknown(AnonymousCredentials):
        def before_request(self, *_: object) -> None:
            raise exceptions.RefreshError("Error code invalid_grant: unknown\nmore")

    warehouse = Warehouse(server.address, Unknown())  # type: ignore[no-untyped-call]
    with pytest.raises(bigquery.SignInError, match=r"^Error code invalid_grant: unknown$"):
        await warehouse.read(SALES)


async def test_the_pods_own_token_is_traded_and_a_new_one_is_picked_up(
    server: WarehouseServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, file = tmp_path / "token", tmp_path / "own.json"
    token.write_text("first")
    credentials = {
        "type": "external_account",
        "audience": "//warehouse.carrel.local/clusters/this",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": f"{server.address}/sts/v1/token",
        "credential_source": {"file": str(token), "format": {"type": "text"}},
    }
    file.write_text(json.dumps(credentials))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "analytics-prod")
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", server.address)
    warehouse = Warehouse.from_environment()
    await warehouse.read(SALES)
    token.write_text("second")
    await warehouse.read(SALES)
    assert server.bearers == ["Bearer for first", "Bearer for second"]


async def test_without_a_token_it_is_the_sign_in_that_fails(
    server: WarehouseServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "missing.json"))
    with pytest.raises(bigquery.SignInError, match=r"missing\.json"):
        await Warehouse(server.address).read(SALES)


def test_who_grants_nothing_imports_nothing() -> None:
    code = "import sys, carrel_operator.handlers; print([m for m in ('google.auth', 'requests') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": "operator"},
    )
    assert done.stdout.strip() == "[]"
