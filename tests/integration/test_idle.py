"""Servers side by side at a size that sleeps soon: those in which something runs stay, the one with an open tab stops."""

import asyncio
import contextlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import aiohttp
import pytest

from support.cluster import Kubectl, Object, Person, Platform, eventually, quoted, unique
from support.kernels import Kernel
from support.own_loop import finished
from support.terminal import carrel

pytestmark = pytest.mark.cluster

NewPerson = Callable[..., Person]

TAB, BUSY, TERMINAL, QUERY, KEPT, LAST = "", "busy", "terminal", "query", "kept", "last"
SERVERS = (TAB, BUSY, TERMINAL, QUERY, KEPT, LAST)
SECONDS = 45
A_LITTLE = 15  # for a cell to begin on a busy machine

# The cell ends at once; its query goes on in the warehouse.
ASK = """
from google.cloud import bigquery
config = bigquery.QueryJobConfig(labels={"stand_in_seconds": "600"})
job = bigquery.Client().query("SELECT 1", job_config=config)
print(job.state)
"""


@pytest.fixture
def nap(kube: Kubectl) -> Iterator[str]:
    """A size that is stopped soon."""
    name = unique("nap")
    amounts = {
        "cpu": {"request": "20m", "limit": "2"},
        "memory": {"request": "128Mi", "limit": "1Gi"},
    }
    spec = amounts | {"idleTimeout": f"{SECONDS}s"}
    metadata = {"name": name}
    kube.apply({"apiVersion": "carrel.dev/v1", "kind": "InstanceType", "metadata": metadata, "spec": spec})
    yield name
    kube("delete", "instancetype", name)


@dataclass(frozen=True)
class Desk:
    """A person with a server for each case, in which something goes on."""

    ada: Person
    tab: "Tab"
    query: Kernel
    late: Kernel


@pytest.fixture
def desk(person: NewPerson, nap: str, platform: Platform) -> Iterator[Desk]:
    ada = person()

    def began(server: str) -> Kernel | None:
        """As soon as it is ready, lest it falls asleep while others still start."""
        ada.start(server, instance_type=nap)
        match server:
            case "busy":
                kernel = Kernel.start(ada, "silent.ipynb", server)
                assert kernel.run("import time; time.sleep(600)", 1).ended is False
            case "terminal":
                run_in_terminal(ada, platform, server, "sleep 600")
                return None
            case "query":
                kernel = Kernel.start(ada, "query.ipynb", server)
                asked = kernel.run(ASK)
                assert asked.said == "RUNNING\n", asked
            case "kept":
                code, said = carrel(ada, "keep", "10m", server=server)
                assert (code, said.startswith("The server ")) == (0, True), said
                return None
            case _:
                kernel = Kernel.start(ada, f"{server or 'open'}.ipynb", server)
        return kernel

    with ThreadPoolExecutor(len(SERVERS)) as people:
        kernels = dict(zip(SERVERS, people.map(began, SERVERS), strict=True))
    opened, query, late = kernels[TAB], kernels[QUERY], kernels[LAST]
    assert opened
    assert query
    assert late
    tab = Tab(ada, platform, opened)
    yield Desk(ada, tab, query, late)
    tab.close()


class Tab:
    """What JupyterLab does in a browser that nobody looks at: an open connection to a kernel, and questions again and again."""

    def __init__(self, somebody: Person, platform: Platform, kernel: Kernel) -> None:
        self._address = f"{platform.url}/user/{quoted(somebody.name)}/api"
        self._headers = {"Authorization": f"token {platform.token}"}
        self._kernel = kernel.id
        self.asked = 0
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._until_the_server_is_gone, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closed.set()
        self._thread.join(10)

    def _until_the_server_is_gone(self) -> None:
        with contextlib.suppress(aiohttp.ClientError, ConnectionError):
            asyncio.run(self._run())

    async def _run(self) -> None:
        ask = {
            "msg_type": "kernel_info_request",
            "username": "",
            "session": "s",
            "version": "5.3",
            "date": "",
        }
        async with (
            aiohttp.ClientSession(headers=self._headers) as http,
            http.ws_connect(f"{self._address}/kernels/{self._kernel}/channels") as channels,
        ):
            while not self._closed.is_set() and not channels.closed:
                header = {**ask, "msg_id": f"ask-{self.asked}"}
                message = {"header": header, "parent_header": {}, "metadata": {}, "content": {}}
                await channels.send_json({**message, "channel": "shell"})
                for path in ("kernels", "sessions", "terminals", "contents?content=1", "../carrel/usage"):
                    async with http.get(f"{self._address}/{path}") as answer:
                        self.asked += answer.status == 200
                with contextlib.suppress(TimeoutError):  # what the kernel answers, and the server's pings
                    async with asyncio.timeout(2):
                        async for _ in channels:
                            pass


def run_in_terminal(somebody: Person, platform: Platform, server: str, line: str) -> None:
    """As typed by a person."""
    answer = somebody.web("api/terminals", "POST", server=server)
    assert answer.status_code == 200, answer.text
    name = answer.json()["name"]

    async def type_it() -> None:
        address = f"{platform.url}/user/{quoted(somebody.name)}/{server}/terminals/websocket/{name}"
        headers = {"Authorization": f"token {platform.token}"}
        async with aiohttp.ClientSession(headers=headers) as http, http.ws_connect(address) as terminal:
            await terminal.send_json(["stdin", f"{line}\r"])
            shown = ""
            async for message in terminal:
                kind, *said = json.loads(message.data)
                shown += said[0] if kind == "stdout" else ""
                if line in shown:
                    return

    finished(asyncio.wait_for(type_it(), 20))


def view(somebody: Person, server: str) -> Object:
    """What the hub says of a server's stop."""
    answer = somebody.hub.get(f"{somebody.path(server)}/size")
    assert answer.status_code == 200, answer.text
    found: Object = answer.json()
    return found


def keep(somebody: Person, server: str, **wish: str | None) -> tuple[int, Object]:
    answer = somebody.hub.patch(somebody.path(server), json=wish)
    return answer.status_code, answer.json()


def status(somebody: Person, server: str) -> Object:
    notebook = somebody.notebook(server)
    assert notebook
    found: Object = notebook["status"]
    return found


@pytest.mark.alone
def test_what_runs_stays_and_an_open_tab_does_not(desk: Desk) -> None:
    ada = desk.ada
    somebody_begins_at_the_last_moment(ada, desk.late)
    eventually("the open tab's server is stopped", lambda: not ada.is_ready(), 2 * SECONDS)
    assert desk.tab.asked > 10
    it_says_why(ada)
    assert ada.is_ready(LAST), "who began to work at the last moment wins"
    for server in (BUSY, TERMINAL, QUERY):
        assert ada.is_ready(server), server
        assert status(ada, server)["activity"]["busy"] is True
        assert "willStopAt" not in status(ada, server)
    the_kept_one_stays_until_it_is_kept_no_longer(ada)
    assert desk.query.run("job.cancel()").error is None
    eventually("nothing runs any more", lambda: view(ada, QUERY)["will_stop_at"], SECONDS)


def somebody_begins_at_the_last_moment(ada: Person, kernel: Kernel) -> None:
    def left() -> float | None:
        seconds = view(ada, LAST)["stops_in"]
        return seconds if seconds is not None and seconds < A_LITTLE else None

    eventually("the server is about to stop", left, 2 * SECONDS)
    assert kernel.run("import time; time.sleep(90)", 1).ended is False


def it_says_why(ada: Person) -> None:
    ada.eventually_stopped()
    eventually("the pod is gone", lambda: status(ada, TAB)["phase"] == "Stopped", 30)
    found = status(ada, TAB)
    sentence = r"It was stopped at \d\d:\d\d UTC, because nothing had run since (\d+ \w+ )?\d\d:\d\d UTC\. Your files are safe; start it again\."
    assert re.fullmatch(sentence, found["message"])
    assert "willStopAt" not in found
    (ready,) = (each for each in found["conditions"] if each["type"] == "Ready")
    assert ready["reason"] == "StoppedByItself"
    assert view(ada, TAB)["message"] == found["message"]


def the_kept_one_stays_until_it_is_kept_no_longer(ada: Person) -> None:
    assert ada.is_ready(KEPT)
    notebook = ada.notebook(KEPT)
    assert notebook
    assert notebook["status"]["willStopAt"] == notebook["spec"]["keepUntil"]
    code, answer = keep(ada, KEPT, keep_for="25h")
    assert (code, "for 24 hours at a time, now until" in answer["message"]) == (400, True)
    inside = ada.web("carrel/keep", "PATCH", KEPT, json={"keep_for": None})
    assert inside.status_code == 202, inside.text
    assert json.loads(inside.text)["keep_until"] is None
    eventually("it is stopped", lambda: not ada.is_ready(KEPT), SECONDS)
