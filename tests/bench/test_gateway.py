"""What the gateway adds to a query and to its rows, against the same calls sent to the warehouse itself."""

import json
from collections.abc import Callable

import pytest

from support.cluster import Kubectl, Person
from support.figures import half, percentile, report
from support.kernels import Kernel

pytestmark = [pytest.mark.cluster, pytest.mark.bench]

# In a notebook's pod, in turns: a dry run, a query without and one with the gateway; then rows, then many at once.
MEASURE = """
import concurrent.futures, http.client, json, os, time, urllib.parse, uuid
import google.auth, google.auth.transport.requests
credentials, project = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
credentials.refresh(google.auth.transport.requests.Request())
headers = {{"Authorization": f"Bearer {{credentials.token}}", "Content-Type": "application/json"}}
hosts = {{"warehouse": "warehouse:9050", "gateway": "gateway:9060"}}
connections = {{name: http.client.HTTPConnection(host, timeout=600) for name, host in hosts.items()}}

def ask(connection, method, path, body=None):
    began = time.perf_counter()
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    answer = connection.getresponse()
    size = 0
    while chunk := answer.read(1 << 20):
        size += len(chunk)
        last = chunk
    return time.perf_counter() - began, answer.status, size, last

def job(text, dry=False):
    return {{"configuration": {{"dryRun": dry, "query": {{"query": text, "useLegacySql": False}}}},
            "jobReference": {{"projectId": project, "jobId": f"bench_{{uuid.uuid4().hex}}"}}}}

path = f"/bigquery/v2/projects/{{project}}/jobs"
found = {{"dry": [], "warehouse": [], "gateway": []}}
for number in range({rounds}):
    text = f"SELECT COUNT(*) FROM nycflights13.airlines WHERE carrier != '{{number}}'"
    found["dry"].append(ask(connections["warehouse"], "POST", path, job(text + " -- dry", True))[0])
    for name in ("warehouse", "gateway") if number % 2 else ("gateway", "warehouse"):
        seconds, status, _, last = ask(connections[name], "POST", path, job(f"{{text}} -- {{name}}"))
        assert status == 200, last
        found[name].append(seconds)

big = job("SELECT * FROM nycflights13.flights")
assert ask(connections["warehouse"], "POST", path, big)[1] == 200
rows = f"/bigquery/v2/projects/{{project}}/queries/{{big['jobReference']['jobId']}}?maxResults=60000"
speed = {{"warehouse": [], "gateway": []}}
for number in range(6):
    for name in ("warehouse", "gateway") if number % 2 else ("gateway", "warehouse"):
        seconds, status, size, last = ask(connections[name], "GET", rows)
        assert status == 200, last
        speed[name].append(size / seconds / 1e6)

def one(number):
    connection = http.client.HTTPConnection(hosts["gateway"], timeout=600)
    text = f"SELECT COUNT(*) FROM nycflights13.airlines WHERE name != '{{number}}'"
    return ask(connection, "POST", path, job(text))[1]

began = time.perf_counter()
with concurrent.futures.ThreadPoolExecutor(200) as pool:
    statuses = list(pool.map(one, range(200)))
print(json.dumps({{"seconds": found, "speed": speed, "size": size, "statuses": statuses, "parallel": time.perf_counter() - began}}))
"""

# The first query of a notebook, and the same by a client that knows nothing of Carrel, each a process of its own.
FIRST = """
import time
began = time.perf_counter()
from google.cloud import bigquery
{off}
list(bigquery.Client().query_and_wait("SELECT COUNT(*) FROM nycflights13.airlines"))
print(time.perf_counter() - began)
"""

# The first cell of a notebook, with its estimate and its line of cost; and the magic alone, as it is installed.
CELL = """
import time
began = time.perf_counter()
get_ipython().run_line_magic("load_ext", "bigquery_magics")
get_ipython().run_cell_magic("bigquery", "answer", "SELECT COUNT(*) FROM nycflights13.airlines")
print(time.perf_counter() - began)
"""
BARE_CELL = """
import os; os.environ["BIGQUERY_EMULATOR_HOST"] = "http://warehouse:9050"
from IPython.core.interactiveshell import InteractiveShell
InteractiveShell.instance().run_cell(CELL)
"""

STATE = """
import os
fields = open("/proc/1/stat").read().rsplit(")", 1)[1].split()
status = dict(line.split(":", 1) for line in open("/proc/1/status"))
print((int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), status["VmRSS"].split()[0], status["VmHWM"].split()[0])
"""


def gateway_state(kube: Kubectl) -> tuple[float, float, float]:
    """Seconds of CPU, MiB now, MiB at most."""
    cpu, now, most = kube("exec", "deploy/gateway", "--", "python", "-c", STATE).split()
    return float(cpu), int(now) / 1024, int(most) / 1024


def test_what_the_gateway_adds(person: Callable[..., Person], kube: Kubectl, rounds: int) -> None:
    ada = person()
    ada.start()
    before = gateway_state(kube)
    count = rounds * 6
    lines = ada.python(MEASURE.format(rounds=count), timeout=900).splitlines()
    found = json.loads(lines[-1])
    after = gateway_state(kube)
    assert set(found["statuses"]) == {200}
    seconds = {name: [1000 * each for each in times] for name, times in found["seconds"].items()}
    added = half(seconds["gateway"]) - half(seconds["warehouse"]) - half(seconds["dry"])
    rows = [(name, half(times), percentile(times, 95)) for name, times in seconds.items()]
    report(f"A query in ms, {count} in turns", ("to", "p50", "p95"), rows)
    speed = {name: half(each) for name, each in found["speed"].items()}
    report(
        "The gateway",
        ("what", "figure"),
        [
            ("added to a query beyond its dry run, ms", added),
            ("rows through it, MB/s", speed["gateway"]),
            ("rows without it, MB/s", speed["warehouse"]),
            ("MB of an answer", found["size"] / 1e6),
            ("200 queries at once, seconds", found["parallel"]),
            ("CPU-ms a query, rows and all", 1000 * (after[0] - before[0]) / (count + 200)),
            ("MiB before", before[1]),
            ("MiB at most, 200 at once and rows", after[2]),
        ],
    )


def test_the_first_query_of_a_notebook(person: Callable[..., Person], rounds: int) -> None:
    ada = person()
    ada.start()
    bare = 'import os; os.environ["BIGQUERY_EMULATOR_HOST"] = "http://warehouse:9050"'
    times: dict[str, list[float]] = {"through Carrel": [], "bare client": []}
    for _ in range(rounds):
        for name, off in (("through Carrel", ""), ("bare client", bare)):
            times[name].append(float(ada.python(FIRST.format(off=off)).split()[-1]))
    ratio = half(times["through Carrel"]) / half(times["bare client"])
    rows = [(name, half(each), percentile(each, 95)) for name, each in times.items()]
    report("A notebook's first query, seconds", ("with", "p50", "p95"), [*rows, ("ratio", ratio, None)])


def test_the_first_cell_of_a_notebook(person: Callable[..., Person], rounds: int) -> None:
    ada = person()
    ada.start()
    bare = BARE_CELL.replace("CELL", repr(CELL))
    times: dict[str, list[float]] = {"through Carrel": [], "bare magic": []}
    for number in range(rounds):
        outcome = Kernel.start(ada, f"first-{number}.ipynb").run(CELL)
        assert outcome.ended
        assert not outcome.error, outcome
        times["through Carrel"].append(float(outcome.said.split()[-1]))
        times["bare magic"].append(float(ada.python(bare).split()[-1]))
    ratio = half(times["through Carrel"]) / half(times["bare magic"])
    rows = [(name, half(each), percentile(each, 95)) for name, each in times.items()]
    report("A notebook's first %%bigquery, seconds", ("with", "p50", "p95"), [*rows, ("ratio", ratio, None)])
