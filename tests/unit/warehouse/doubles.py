"""A cluster's API server and an emulator as far as the stand-in talks to them, over real HTTP."""

import base64
import json
import time
from typing import Any

import jwt
from aiohttp import web
from aiohttp.test_utils import TestClient
from cryptography.hazmat.primitives.asymmetric import rsa

AUDIENCE = "//warehouse.carrel.local/clusters/this"
SUBJECT = f"principal:{AUDIENCE}/subject/system:serviceaccount:carrel"
LENT = "notebooks@carrel-demo.iam.gserviceaccount.com"  # ada may act as it
Client = TestClient[web.Request, web.Application]


class ApiServer:
    """Signs tokens, shows its keys and knows ServiceAccounts."""

    issuer = "https://kubernetes.default.svc"

    def __init__(self) -> None:
        self.private: dict[str, rsa.RSAPrivateKey] = {}
        self.owners = {
            "user-ada": "ada",
            "user-bob": "bob@corp.example",
            "user-eve": "eve@Carrel-System.example.org",
            "project-risk-20005": "project:risk",
            "project-risk-20009": "project:risk",
            "hub": None,
        }
        self.fetches = 0
        self.bearers: set[str] = set()
        self.rotate("first")

    def rotate(self, kid: str) -> None:
        """Begin to sign with a new key; earlier ones stay published."""
        self.private[kid] = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.current = kid

    def token(self, *, key: rsa.RSAPrivateKey | None = None, kid: str | None = None, **claims: Any) -> str:
        """A projected token of user-ada, but for what is named; a claim of None is left out."""
        now = int(time.time())
        payload = {
            "iss": self.issuer,
            "sub": "system:serviceaccount:carrel:user-ada",
            "aud": ["https:" + AUDIENCE],
            "iat": now,
            "exp": now + 3600,
        } | claims
        kid = kid or self.current
        return jwt.encode(
            {name: value for name, value in payload.items() if value is not None},
            key or self.private[kid],
            algorithm="RS256",
            headers={"kid": kid},
        )

    def application(self) -> web.Application:
        """The paths that the stand-in asks for."""
        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", self._discovery)
        app.router.add_get("/openid/v1/jwks", self._keys)
        app.router.add_get("/api/v1/namespaces/{namespace}/serviceaccounts/{name}", self._account)
        return app

    async def _discovery(self, _: web.Request) -> web.Response:
        return web.json_response({"issuer": self.issuer})

    async def _keys(self, request: web.Request) -> web.Response:
        self.fetches += 1
        self.bearers.add(request.headers["Authorization"])
        keys = [
            json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key())) | {"kid": kid, "alg": "RS256"}
            for kid, key in self.private.items()
        ]
        return web.json_response({"keys": keys})

    async def _account(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in self.owners:
            return web.json_response({"kind": "Status", "code": 404}, status=404)
        owner = self.owners[name]
        return web.json_response(
            {"metadata": {"name": name, **({"annotations": {"carrel.dev/owner": owner}} if owner else {})}}
        )


class EmulatorDouble:
    """Answers like local-bigquery where the stand-in looks, and tells what it was sent."""

    def __init__(self) -> None:
        self.jobs: list[dict[str, Any]] = []
        self.ran: list[str] = []
        self.tables: dict[str, dict[str, Any]] = {}
        self.access: dict[str, list[dict[str, str]]] = {
            "d": [{"role": "WRITER", "specialGroup": "allAuthenticatedUsers"}]
        }
        self.uploaded = 0
        self.history = ""
        self.weights: list[int] = []
        self.weighings = 0
        self.process = "1"
        self.meetings = 0

    def application(self) -> web.Application:
        """Jobs, and an echo for everything else."""
        app = web.Application(client_max_size=1024**3)
        project = "/bigquery/v2/projects/{project}"
        app.router.add_post(f"{project}/jobs", self._insert)
        app.router.add_get(f"{project}/jobs", self._list)
        app.router.add_get(f"{project}/jobs/{{job}}", self._get)
        app.router.add_post(f"{project}/jobs/{{job}}/cancel", self._cancel)
        app.router.add_post("/upload" + f"{project}/jobs", self._upload)
        app.router.add_get("/bigquery/v2/projects", self._projects)
        app.router.add_get(f"{project}/datasets", self._datasets)
        app.router.add_get(f"{project}/datasets/{{dataset}}", self._dataset)
        app.router.add_post(f"{project}/datasets", self._make_dataset)
        app.router.add_patch(f"{project}/datasets/{{dataset}}", self._change_dataset)
        app.router.add_put(f"{project}/datasets/{{dataset}}", self._change_dataset)
        app.router.add_get(f"{project}/datasets/{{dataset}}/tables", self._tables)
        app.router.add_get(f"{project}/datasets/{{dataset}}/tables/{{table}}", self._table)
        app.router.add_post("/bigquery/v2/projects/meter/queries", self._weigh)
        app.router.add_put("/upload/history", self._history)
        app.router.add_get("/elsewhere", self._elsewhere)
        app.router.add_route("*", "/{anything:.*}", self._echo)
        return app

    def add(self, job_id: str, **more: Any) -> dict[str, Any]:
        """A job as the emulator keeps it: everybody's email is the same."""
        job = {
            "jobReference": {"projectId": "p", "jobId": job_id},
            "user_email": "local-bigquery@localhost",
            "statistics": {},
            **more,
        }
        self.jobs.append(job)
        return job

    async def _insert(self, request: web.Request) -> web.Response:
        body = await request.json()
        job_id, configuration = body["jobReference"]["jobId"], body.get("configuration", {})
        if configuration.get("dryRun") and "TEMP FUNCTION" in configuration.get("query", {}).get("query", ""):
            return web.json_response({"error": {"code": 500, "message": "Internal error"}}, status=500)
        if configuration.get("dryRun"):
            return web.json_response({"jobReference": {}, "statistics": {}, "configuration": configuration})
        if any(job["jobReference"]["jobId"] == job_id for job in self.jobs):
            return web.json_response({"error": {"code": 409}}, status=409)
        self.ran.append(configuration.get("query", {}).get("query", ""))
        return web.json_response(self.add(job_id, configuration=configuration))

    async def _upload(self, request: web.Request) -> web.Response:
        if "uploadType" not in request.query:
            return await self._insert(request)
        self.uploaded = len(await request.read())
        return web.json_response(
            {}, headers={"Location": str(request.url.origin().joinpath("upload/history"))}
        )

    async def _history(self, request: web.Request) -> web.Response:
        self.history = (await request.read()).decode()
        return web.json_response({})

    async def _list(self, request: web.Request) -> web.Response:
        if "pageToken" in request.query:
            return web.json_response({"kind": "bigquery#jobList", "jobs": []})
        jobs = self.jobs
        if states := request.query.getall("stateFilter", []):
            jobs = [job for job in jobs if job.get("state", "DONE").lower() in states]
        return web.json_response({"kind": "bigquery#jobList", "jobs": jobs, "nextPageToken": "2"})

    async def _projects(self, request: web.Request) -> web.Response:
        claims = jwt.decode(request.headers["Authorization"].split()[1], options={"verify_signature": False})
        self.meetings += claims["email"] == "carrel@carrel.invalid"
        projects = [{"id": each, "numericId": self.process + each} for each in ("a", "p", "carrel-demo")]
        return web.json_response({"projects": projects})

    async def _datasets(self, _: web.Request) -> web.Response:
        references = [{"projectId": "p", "datasetId": each} for each in self.access]
        return web.json_response({"datasets": [{"datasetReference": each} for each in references]})

    async def _dataset(self, request: web.Request) -> web.Response:
        name = request.match_info["dataset"]
        if name not in self.access:
            return web.json_response({"error": {"code": 404}}, status=404)
        return web.json_response({"access": self.access[name]})

    async def _make_dataset(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.access[body["datasetReference"]["datasetId"]] = body.get("access", [])
        return web.json_response(body)

    async def _change_dataset(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.access[request.match_info["dataset"]] = body.get("access", [])
        return web.json_response(body)

    async def _tables(self, _: web.Request) -> web.Response:
        return web.json_response({"tables": [{"tableReference": {"tableId": each}} for each in self.tables]})

    async def _table(self, request: web.Request) -> web.Response:
        name = request.match_info["table"]
        if request.match_info["dataset"] not in self.access or name not in self.tables:
            return web.json_response({"error": {"code": 404}}, status=404)
        reference = {"projectId": "p", "datasetId": request.match_info["dataset"], "tableId": name}
        return web.json_response({"tableReference": reference} | self.tables[name])

    async def _weigh(self, _: web.Request) -> web.Response:
        self.weighings += 1
        return web.json_response({"rows": [{"f": [{"v": str(weight)} for weight in self.weights]}]})

    async def _get(self, request: web.Request) -> web.Response:
        if not any(job["jobReference"]["jobId"] == request.match_info["job"] for job in self.jobs):
            return web.json_response({"error": {"code": 404}}, status=404)
        return web.json_response(self._job(request))

    async def _cancel(self, request: web.Request) -> web.Response:
        return web.json_response({"kind": "bigquery#jobCancelResponse", "job": self._job(request)})

    def _job(self, request: web.Request) -> dict[str, Any]:
        return next(job for job in self.jobs if job["jobReference"]["jobId"] == request.match_info["job"])

    async def _elsewhere(self, _: web.Request) -> web.Response:
        return web.Response(status=308, headers={"Range": "bytes=0-9", "Location": "http://nowhere.invalid/"})

    async def _echo(self, request: web.Request) -> web.Response:
        body = await request.read()
        claims = request.headers["Authorization"].split(".")[1]
        return web.json_response(
            {
                "method": request.method,
                "path": request.raw_path,
                "host": request.headers["Host"],
                "email": json.loads(base64.urlsafe_b64decode(claims + "=="))["email"],
                "size": len(body),
                "body": body.decode() if len(body) < 1000 else None,
            }
        )


async def exchange(client: Client, token: str, **fields: str | None) -> tuple[int, dict[str, Any]]:
    """Exchange a token; keywords change or (None) drop fields of the request."""
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "audience": AUDIENCE,
        "subject_token": token,
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "scope": "https://www.googleapis.com/auth/cloud-platform",
    } | fields
    data = {key: value for key, value in form.items() if value is not None}
    async with client.post("/sts/v1/token", data=data) as answer:
        return answer.status, await answer.json()


async def signed_in(client: Client, server: ApiServer, account: str) -> dict[str, str]:
    """The Authorization header of a person's ServiceAccount."""
    status, answer = await exchange(client, server.token(sub=f"system:serviceaccount:carrel:{account}"))
    assert status == 200, answer
    return {"Authorization": f"Bearer {answer['access_token']}"}
