"""A tiny BigQuery: datasets with an access list and an ETag, and answers that can be made to fail."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from google.auth.credentials import AnonymousCredentials

from carrel_operator.bigquery import Warehouse

Entry = dict[str, Any]


@dataclass
class WarehouseServer:
    """Datasets by project.dataset; ``before`` is called with each request and may answer it with a code."""

    access: dict[str, list[Entry]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    before: Callable[[str, str], int | None] = lambda _method, _dataset: None
    address: str = ""
    versions: dict[str, int] = field(default_factory=dict)
    bearers: list[str] = field(default_factory=list)

    def client(self) -> Warehouse:
        return Warehouse(self.address, AnonymousCredentials(), pause=0.0)  # type: ignore[no-untyped-call]

    def edit(self, dataset: str, entries: list[Entry]) -> None:
        """Somebody else changes the list."""
        self.access[dataset] = entries
        self.versions[dataset] = self.versions.get(dataset, 0) + 1

    def etag(self, dataset: str) -> str:
        return f'"{self.versions.get(dataset, 0)}"'

    def answer(
        self, method: str, dataset: str, if_match: str | None, body: dict[str, Any]
    ) -> tuple[int, object]:
        self.asked.append(f"{method} {dataset}")
        code = self.before(method, dataset)
        if code is not None:
            return code, {"error": {"code": code, "message": f"told to answer {code}"}}
        if dataset not in self.access:
            return 404, {"error": {"message": "Not found: Dataset"}}
        if method == "PATCH":
            if if_match != self.etag(dataset):
                return 412, {"error": {"message": "Precondition failed"}}
            self.edit(dataset, body["access"])
        return 200, {"access": self.access[dataset], "etag": self.etag(dataset)}


@contextmanager
def serving(server: WarehouseServer) -> Iterator[WarehouseServer]:
    """Listen on a port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            path, _, query = self.path.partition("?")
            assert query == "accessPolicyVersion=3"
            *_, project, _, name = path.split("/")
            content = self._content()
            body = json.loads(content) if content else {}
            server.bearers.append(self.headers.get("Authorization", ""))
            code, answer = server.answer(
                self.command, f"{project}.{name}", self.headers.get("If-Match"), body
            )
            self._say(code, answer)

        def do_POST(self) -> None:
            """The exchange of tokens: each is worth so little that it is traded again for the next request."""
            form = parse_qs(self._content().decode())
            token = f"for {form['subject_token'][0]}"
            self._say(200, {"access_token": token, "token_type": "Bearer", "expires_in": 1})

        def _content(self) -> bytes:
            return self.rfile.read(int(self.headers.get("Content-Length", "0")))

        def _say(self, code: int, answer: object) -> None:
            text = json.dumps(answer).encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_PATCH = _handle  # noqa: N815 - the names that http.server looks for

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        server.address = f"http://127.0.0.1:{http.server_address[1]}"
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()
