"""Who may do what to which dataset, asked as three people over HTTP; a refusal looks like Google's."""

import io
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from yarl import URL

from carrel_warehouse.stand_in.access.roles import Role, canonical, role
from carrel_warehouse.stand_in.people import Caller
from unit.warehouse.doubles import AUDIENCE, ApiServer, Client, EmulatorDouble, signed_in

PROJECT = "/bigquery/v2/projects/p"
PRINCIPAL = f"principal:{AUDIENCE}/subject/system:serviceaccount:carrel:user-ada"
ADA = Caller("ada@example.org", PRINCIPAL)
TABLE = {"schema": {"fields": [{"name": "a", "type": "INTEGER"}]}, "numRows": "1"}
Call = Callable[..., Awaitable[tuple[int, Any]]]


@pytest.mark.parametrize(
    ("entry", "wanted"),
    [
        ({"role": "READER", "iamMember": PRINCIPAL}, Role.READER),
        ({"role": "roles/bigquery.dataEditor", "iamMember": PRINCIPAL}, Role.WRITER),
        ({"role": "OWNER", "userByEmail": "Ada@example.org"}, Role.OWNER),
        ({"role": "OWNER", "iamMember": "user:ada@example.org"}, Role.OWNER),
        ({"role": "READER", "specialGroup": "allAuthenticatedUsers"}, Role.READER),
        ({"role": "READER", "iamMember": "allAuthenticatedUsers"}, Role.READER),
        ({"role": "OWNER", "specialGroup": "projectOwners"}, Role.NONE),
        ({"role": "OWNER", "userByEmail": "bob@example.org"}, Role.NONE),
        ({"role": "OWNER", "iamMember": PRINCIPAL + "-2"}, Role.NONE),
        ({"role": "roles/viewer", "iamMember": PRINCIPAL}, Role.NONE),
        ({"view": {"projectId": "p", "datasetId": "d", "tableId": "v"}}, Role.NONE),
    ],
    ids=str,
)
def test_the_role_by_an_entry(entry: dict[str, Any], wanted: Role) -> None:
    assert role([entry], ADA) is wanted


def test_the_highest_role_counts_and_administrators_have_all() -> None:
    entries = [{"role": name, "iamMember": PRINCIPAL} for name in ("READER", "OWNER", "WRITER")]
    assert role(entries, ADA) is Role.OWNER
    assert role([], Caller("x", "y", administrator=True)) is Role.OWNER


def test_an_iam_role_is_returned_under_its_old_name() -> None:
    given = [{"role": "roles/bigquery.dataViewer", "iamMember": "a"}, {"view": {}}]
    assert canonical(given) == [{"role": "READER", "iamMember": "a"}, {"view": {}}]


@pytest.fixture
async def calls(client: Client, api_server: ApiServer, emulator: EmulatorDouble) -> dict[str, Call]:
    emulator.access = {
        "own": [{"role": "OWNER", "userByEmail": "ada@example.org"}],
        "shared": [{"role": "READER", "specialGroup": "allAuthenticatedUsers"}],
        "secret": [{"role": "OWNER", "userByEmail": "bob@corp.example"}],
    }
    emulator.tables["t"] = TABLE
    emulator.weights = [1, 8]

    async def caller(account: str) -> Call:
        headers = await signed_in(client, api_server, account)

        async def call(method: str, path: str, body: Any = None) -> tuple[int, Any]:
            async with client.request(method, f"{PROJECT}/{path}", json=body, headers=headers) as answer:
                return answer.status, await answer.json()

        return call

    return {name: await caller(account) for name, account in ACCOUNTS.items()}


ACCOUNTS = {"ada": "user-ada", "bob": "user-bob", "auditor": "auditor"}


def query(sql: str, job: str = "j", **more: Any) -> dict[str, Any]:
    return {"jobReference": {"jobId": job}, "configuration": {"query": {"query": sql, **more}}}


ALLOWED = [
    "SELECT a FROM shared.t",
    "SELECT a FROM own.t",
    "INSERT INTO own.t SELECT a FROM shared.t",
    "DROP TABLE own.t",
    "SELECT a FROM nowhere.t",
    "CREATE SCHEMA mine",
    "SELECT * FROM INFORMATION_SCHEMA.SCHEMATA",
    "DECLARE x INT64; CREATE TABLE own.u AS SELECT a FROM shared.t",
    "IF TRUE THEN SELECT a FROM shared.t; END IF",
    "EXECUTE IMMEDIATE 'SELECT a FROM shared.t'",
]
REFUSED = [
    "SELECT a FROM secret.t",
    "SELECT a FROM SECRET.T",
    "SELECT a FROM `secret.*`",
    "SELECT * FROM secret.INFORMATION_SCHEMA.TABLES",
    "SELECT * FROM `region-us`.INFORMATION_SCHEMA.TABLES",
    "SELECT * FROM INFORMATION_SCHEMA.TABLES",
    "BEGIN SELECT * FROM INFORMATION_SCHEMA.TABLES; END",
    "SELECT * FROM emulator._results.t",
    "INSERT INTO own.t SELECT a FROM secret.t",
    "INSERT INTO shared.t SELECT a FROM own.t",
    "CREATE TABLE shared.u AS SELECT 1 AS a",
    "CREATE VIEW own.v AS SELECT a FROM secret.t",
    "DROP SCHEMA shared",
    "IF (SELECT COUNT(*) FROM secret.t) > 0 THEN SELECT 1; END IF",
    "CREATE SNAPSHOT TABLE secret.x CLONE own.t",
    "EXECUTE IMMEDIATE 'DROP TABLE shared.t'",
    "EXECUTE IMMEDIATE CONCAT('DROP TABLE ', 'secret.t')",
]


@pytest.mark.parametrize("sql", ALLOWED)
async def test_what_a_role_allows_runs(calls: dict[str, Call], emulator: EmulatorDouble, sql: str) -> None:
    assert (await calls["ada"]("POST", "jobs", query(sql)))[0] == 200
    assert emulator.ran == [sql]


@pytest.mark.parametrize("sql", REFUSED)
async def test_what_no_role_allows_is_a_403_and_leaves_no_job(
    calls: dict[str, Call], emulator: EmulatorDouble, sql: str
) -> None:
    for path, body in (
        ("jobs", query(sql)),
        ("jobs", {"configuration": query(sql)["configuration"] | {"dryRun": True}}),
        ("queries", {"query": sql}),
    ):
        status, answer = await calls["ada"]("POST", path, body)
        assert (status, answer["error"]["status"]) == (403, "PERMISSION_DENIED"), path
        assert answer["error"]["errors"][0]["reason"] == "accessDenied"
    assert (emulator.ran, emulator.jobs) == ([], [])


async def test_a_refusal_is_worded_like_googles(calls: dict[str, Call]) -> None:
    async def said(sql: str) -> str:
        return str((await calls["ada"]("POST", "jobs", query(sql)))[1]["error"]["message"])

    assert await said("SELECT a FROM secret.t") == (
        "Access Denied: Table p:secret.t: User does not have permission to query table p:secret.t, "
        "or perhaps it does not exist in location US."
    )
    assert await said("CREATE TABLE shared.u AS SELECT 1 AS a") == (
        "Access Denied: Dataset p:shared: Permission bigquery.tables.create denied on dataset p:shared "
        "(or it may not exist)."
    )


async def test_an_administrator_may_do_all(calls: dict[str, Call]) -> None:
    for number, sql in enumerate(("SELECT a FROM secret.t", "DROP TABLE shared.t")):
        assert (await calls["auditor"]("POST", "jobs", query(sql, f"a{number}")))[0] == 200


async def test_jobs_that_are_no_queries_are_held_to_it_too(calls: dict[str, Call]) -> None:
    def table(dataset: str) -> dict[str, str]:
        return {"projectId": "p", "datasetId": dataset, "tableId": "t"}

    jobs: list[tuple[dict[str, Any], int]] = [
        ({"load": {"destinationTable": table("own")}}, 200),
        ({"load": {"destinationTable": table("shared")}}, 403),
        ({"copy": {"sourceTable": table("shared"), "destinationTable": table("own")}}, 200),
        ({"copy": {"sourceTables": [table("own"), table("secret")], "destinationTable": table("own")}}, 403),
        ({"extract": {"sourceTable": table("shared")}}, 200),
        ({"extract": {"sourceTable": table("secret")}}, 403),
        ({"query": {"query": "SELECT 1", "destinationTable": table("shared")}}, 403),
    ]
    for configuration, status in jobs:
        assert (await calls["ada"]("POST", "jobs", {"configuration": configuration}))[0] == status, (
            configuration
        )


@pytest.mark.parametrize(("dataset", "status"), [("own", 200), ("shared", 403)])
@pytest.mark.parametrize("kind", ["resumable", "multipart"])
async def test_an_upload_is_held_to_it_before_the_file_comes(  # noqa: PLR0917 fixtures
    client: Client, api_server: ApiServer, emulator: EmulatorDouble, kind: str, dataset: str, status: int
) -> None:
    emulator.access = {
        "own": [{"role": "OWNER", "userByEmail": "ada@example.org"}],
        "shared": [{"role": "READER", "specialGroup": "allAuthenticatedUsers"}],
    }
    job = f'{{"configuration": {{"load": {{"destinationTable": {{"datasetId": "{dataset}", "tableId": "t"}}}}}}}}'
    headers, data = await signed_in(client, api_server, "user-ada"), job
    if kind == "multipart":
        headers["Content-Type"] = 'multipart/related; boundary="=b="'
        part = "--=b=\r\ncontent-type: application/json\r\n\r\n"
        data = f"{part}{job}\r\n--=b=\r\ncontent-type: */*\r\n\r\n{'x' * 3_000_000}\r\n--=b=--"
    async with client.post(
        f"/upload{PROJECT}/jobs?uploadType={kind}", data=io.BytesIO(data.encode()), headers=headers
    ) as answer:
        assert answer.status == status, await answer.text()
    assert emulator.uploaded == (len(data) if status == 200 else 0)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "datasets/shared/tables", 200),
        ("GET", "datasets/shared/tables/t", 200),
        ("GET", "datasets/shared/tables/t/data", 200),
        ("GET", "datasets/secret", 200),
        ("GET", "datasets/secret/tables", 403),
        ("GET", "datasets/secret/tables/t", 403),
        ("GET", "datasets/secret/tables/t/data", 403),
        ("GET", "datasets/se%63ret/tables/t/data", 403),
        ("GET", "datasets/secret/routines", 403),
        ("POST", "datasets/shared/tables", 403),
        ("PATCH", "datasets/shared/tables/t", 403),
        ("DELETE", "datasets/shared/tables/t", 403),
        ("POST", "datasets/shared/tables/t/insertAll", 403),
        ("POST", "datasets/shared/tables/t:getIamPolicy", 200),
        ("POST", "datasets/own/tables/t:setIamPolicy", 200),
        ("POST", "datasets/shared/tables/t:setIamPolicy", 403),
        ("POST", "datasets/own/tables/t/insertAll", 200),
        ("DELETE", "datasets/own/tables/t", 200),
        ("PATCH", "datasets/shared", 403),
        ("DELETE", "datasets/shared", 403),
        ("PATCH", "datasets/own", 200),
        ("POST", "%6aobs", 200),
    ],
)
async def test_calls(  # noqa: PLR0917 fixtures
    client: Client, api_server: ApiServer, calls: dict[str, Call], method: str, path: str, status: int
) -> None:
    del calls
    headers = await signed_in(client, api_server, "user-ada")
    address = URL(str(client.make_url("")).rstrip("/") + f"{PROJECT}/{path}", encoded=True)
    async with client.session.request(
        method, address, json={} if method != "GET" else None, headers=headers
    ) as answer:
        assert answer.status == status, await answer.text()


async def test_sql_in_a_view_is_held_to_it_too(calls: dict[str, Call]) -> None:
    for sql, status in (("SELECT a FROM shared.t", 200), ("SELECT a FROM secret.t", 403)):
        assert (await calls["ada"]("POST", "datasets/own/tables", {"view": {"query": sql}}))[0] == status
        assert (await calls["ada"]("POST", "datasets/own/routines", {"definitionBody": sql}))[0] == status


async def test_whoever_makes_a_dataset_owns_it(calls: dict[str, Call], emulator: EmulatorDouble) -> None:
    own = {"role": "OWNER", "userByEmail": "ada@example.org"}
    await calls["ada"]("POST", "datasets", {"datasetReference": {"datasetId": "fresh"}})
    assert own in emulator.access["fresh"]
    given = [{"role": "roles/bigquery.dataViewer", "iamMember": "principal://x"}]
    body = {"datasetReference": {"datasetId": "second"}, "access": given}
    assert (await calls["ada"]("POST", "datasets", body))[1]["access"] == [
        {"role": "READER", "iamMember": "principal://x"},
        own,
    ]


async def test_whoever_makes_a_dataset_in_sql_owns_it(
    calls: dict[str, Call], emulator: EmulatorDouble
) -> None:
    assert (await calls["ada"]("POST", "jobs", query("CREATE SCHEMA made")))[0] == 200
    emulator.access["made"] = [{"role": "OWNER", "specialGroup": "projectOwners"}]
    assert (await calls["bob"]("GET", "datasets/made/tables"))[0] == 403
    assert (await calls["ada"]("GET", "datasets/made/tables"))[0] == 200
    assert len(emulator.access["made"]) == 2
    # It is there now, so that a second CREATE changes nothing.
    assert (await calls["bob"]("POST", "jobs", query("CREATE SCHEMA IF NOT EXISTS made", "again")))[0] == 200
    assert (await calls["bob"]("GET", "datasets/made/tables"))[0] == 403


async def test_a_list_is_changed_by_its_owner_and_kept_by_an_update_that_has_none(
    calls: dict[str, Call], emulator: EmulatorDouble
) -> None:
    mine = emulator.access["own"]
    more = [*mine, {"role": "roles/bigquery.dataViewer", "iamMember": "principal://x"}]
    assert (await calls["ada"]("PATCH", "datasets/own", {"access": more}))[0] == 200
    assert emulator.access["own"] == [*mine, {"role": "READER", "iamMember": "principal://x"}]
    assert (await calls["ada"]("PUT", "datasets/own", {"description": "x"}))[0] == 200
    assert len(emulator.access["own"]) == 2


async def test_a_job_and_its_rows_are_its_persons(calls: dict[str, Call], emulator: EmulatorDouble) -> None:
    await calls["ada"]("POST", "jobs", query("SELECT 1", "mine"))
    emulator.add("script_job_mine_0", statistics={"parentJobId": "mine"})
    await calls["bob"]("POST", "jobs", query("SELECT 1", "script_job_mine_0"))  # 409, and a name is not taken
    for method, path in (
        ("GET", "jobs/mine"),
        ("GET", "jobs/script_job_mine_0"),
        ("GET", "queries/mine"),
        ("POST", "jobs/mine/cancel"),
        ("DELETE", "jobs/mine/delete"),
        ("GET", "datasets/_results/tables/mine/data"),
    ):
        status, answer = await calls["bob"](method, path)
        assert status == 403, path
        assert answer["error"]["message"].startswith("Access Denied: "), path
        assert (await calls["ada"](method, path))[0] == 200, path
    assert (await calls["bob"]("POST", "jobs", query("SELECT * FROM _results.mine", "peek")))[0] == 403
    assert (await calls["bob"]("GET", "jobs/nothing"))[0] == 404


async def test_of_others_jobs_a_list_says_little(calls: dict[str, Call]) -> None:
    await calls["ada"]("POST", "jobs", query("SELECT 1", "mine"))
    [job] = (await calls["bob"]("GET", "jobs?allUsers=true&projection=full"))[1]["jobs"]
    assert job == {"jobReference": job["jobReference"]}
    [job] = (await calls["auditor"]("GET", "jobs?allUsers=true&projection=full"))[1]["jobs"]
    assert (job["user_email"], job["configuration"]["query"]["query"]) == ("ada@example.org", "SELECT 1")
