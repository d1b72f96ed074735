"""As much of BigQuery as Google's client needs to begin, list, fetch, cancel and price jobs, over real HTTP."""

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

Json = dict[str, Any]
SCHEMA = {"fields": [{"name": "n", "type": "INTEGER", "mode": "NULLABLE"}]}


class Server:
    """Jobs are done after ``seconds``; ``rows`` are what each query says that it has."""

    def __init__(self) -> None:
        self.jobs: dict[str, Json] = {}
        self.calls: list[tuple[str, str]] = []
        self.seconds = 0.0
        self.rows = 1
        self.schema: Json = SCHEMA
        self.table_bytes = 8
        self.budget: Json | None = None
        self.failures: list[Json] = []  # answers to the next calls that begin a job
        self.url = ""

    def client(self, **options: Any) -> bigquery.Client:
        return bigquery.Client(
            "p", AnonymousCredentials(), client_options={"api_endpoint": self.url}, **options
        )  # type: ignore[no-untyped-call]

    def answer(self, method: str, path: str, asked: Json, body: Json) -> tuple[int, Json]:  # noqa: PLR0911 - a table
        self.calls.append((method, path))
        if path == "/carrel/v1/budget":
            return (200, self.budget) if self.budget else (404, {})
        if found := re.fullmatch(r"/bigquery/v2/projects/p/jobs/([^/]+)/cancel", path):
            self.jobs[found[1]]["ends"] = 0.0
            return 200, {"job": self._shown(self.jobs[found[1]])}
        if found := re.fullmatch(r"/bigquery/v2/projects/p/(jobs|queries)/([^/]+)", path):
            if found[2] not in self.jobs:
                said = f"Not found: Job p:{found[2]}"
                return 404, {"error": {"code": 404, "message": said, "errors": [{"message": said}]}}
            job = self.jobs[found[2]]
            return 200, self._shown(job) if found[1] == "jobs" else self._rows(job, asked)
        if path.endswith("/jobs") and method == "POST" and self.failures:
            failure = self.failures.pop(0)
            return failure["code"], {"error": failure}
        if path.endswith("/jobs"):
            return (200, self._insert(body)) if method == "POST" else (200, self._list(asked))
        if path.endswith("/queries"):
            inserted = self._insert(
                {"configuration": {"query": {"query": body["query"]}, "labels": body.get("labels")}}
            )
            return 200, self._rows(self.jobs[inserted["jobReference"]["jobId"]], asked)
        return 200, {"schema": self.schema, "numBytes": str(self.table_bytes), "numRows": str(self.rows)}

    def _insert(self, body: Json) -> Json:
        if body["configuration"].get("dryRun"):
            statistics = {"totalBytesProcessed": str(2**30), "query": {"totalBytesProcessed": str(2**30)}}
            return {
                "configuration": body["configuration"],
                "statistics": statistics,
                "status": {"state": "DONE"},
            }
        name = body.get("jobReference", {}).get("jobId") or f"server_{len(self.jobs)}"
        begun = time.time()
        self.jobs[name] = {
            "configuration": body["configuration"] | {"jobType": next(iter(body["configuration"])).upper()},
            "begun": begun,
            "ends": begun + self.seconds,
            "name": name,
        }
        return self._shown(self.jobs[name])

    def _list(self, asked: Json) -> Json:
        shown = [self._shown(job) for job in reversed(self.jobs.values())]
        wanted = [each.upper() for each in asked.get("stateFilter", [])]
        return {"jobs": [each for each in shown if not wanted or each["status"]["state"] in wanted]}

    def _shown(self, job: Json) -> Json:
        done = time.time() >= job["ends"]
        configuration = job["configuration"]
        if "query" in configuration:
            table = {"projectId": "p", "datasetId": "_anonymous", "tableId": "t"}
            configuration = configuration | {"query": {"destinationTable": table} | configuration["query"]}
        times = {"creationTime": str(int(job["begun"] * 1000)), "endTime": str(int(time.time() * 1000))}
        if done:
            times |= {
                "totalBytesProcessed": str(2**30),
                "query": {"totalBytesBilled": str(2**30), "cacheHit": False},
            }
        else:
            del times["endTime"]
        return {
            "jobReference": {"projectId": "p", "jobId": job["name"], "location": "US"},
            "configuration": configuration,
            "statistics": times,
            "status": {"state": "DONE" if done else "RUNNING"},
        }

    def _rows(self, job: Json, asked: Json) -> Json:
        until = time.time() + int(asked.get("timeoutMs", ["10000"])[0]) / 1000
        while time.time() < min(until, job["ends"]):
            time.sleep(0.02)
        if time.time() < job["ends"]:
            return {"jobComplete": False, "jobReference": self._shown(job)["jobReference"]}
        rows = [{"f": [{"v": "42"}]}] * min(self.rows, 3)
        return {
            "jobComplete": True,
            "jobReference": self._shown(job)["jobReference"],
            "schema": self.schema,
            "totalRows": str(self.rows),
            "rows": rows,
        }


@contextmanager
def serving() -> Iterator[Server]:
    server = Server()

    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            url = urlsplit(self.path)
            plain = self.headers.get("Content-Type", "").startswith("application/json")
            status, said = server.answer(
                self.command, url.path, parse_qs(url.query), json.loads(body) if body and plain else {}
            )
            content = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _any  # noqa: N815 - http.server's own names

        def log_message(self, *_: object) -> None:  # type: ignore[override]
            """Nobody reads it."""

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A client that was interrupted has gone, which is what is tried."""

    http = Quiet(("127.0.0.1", 0), Handler)
    server.url = f"http://127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield server
    http.shutdown()
    thread.join()
    http.server_close()
