"""Kernels of a person's server, driven as JupyterLab does: started by its API, asked over their own channels."""

import json
from dataclasses import dataclass
from typing import Any

from support.cluster import Person

# Runs in the pod: one cell in a kernel that exists, and what came of it.
_RUN = """
import json, os, sys
from queue import Empty
from jupyter_client import BlockingKernelClient
kernel, code, seconds, cell = json.loads({request!r})
client = BlockingKernelClient(connection_file=os.environ.get("JUPYTER_RUNTIME_DIR", "/tmp/jupyter-runtime") + f"/kernel-{{kernel}}.json")
client.load_connection_file()
client.session.metadata = {{"cellId": cell}} if cell else {{}}
client.start_channels()
said, shown, error, ended = [], [], None, False
def hear(message):
    global error
    if message["msg_type"] == "stream":
        said.append(message["content"]["text"])
    elif message["msg_type"] in ("display_data", "update_display_data", "execute_result"):
        shown.append(message["content"]["data"].get("text/plain", ""))
    elif message["msg_type"] == "error":
        error = [message["content"]["ename"], message["content"]["evalue"]]
try:
    client.wait_for_ready(timeout=30)
    client.execute_interactive(code, timeout=seconds, output_hook=hear, store_history=True, allow_stdin=False)
    ended = True
except (TimeoutError, RuntimeError, Empty):
    pass
print(json.dumps({{"said": "".join(said), "shown": shown, "error": error, "ended": ended}}))
"""


@dataclass(frozen=True)
class Outcome:
    """What a cell printed, how it failed, and whether it ended at all; ``shown`` is each text that was displayed."""

    said: str
    error: tuple[str, str] | None
    ended: bool
    shown: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kernel:
    """One kernel, with a notebook document."""

    person: Person
    id: str
    server: str = ""

    @classmethod
    def start(cls, person: Person, path: str, server: str = "") -> "Kernel":
        body = {"path": path, "name": path, "type": "notebook", "kernel": {"name": "python3"}}
        answer = person.web("api/sessions", "POST", server, json=body)
        assert answer.status_code == 201, answer.text
        return cls(person, answer.json()["kernel"]["id"], server)

    def run(self, code: str, seconds: float = 60, cell: str = "") -> Outcome:
        """Run a cell; ``cell`` is its id, which JupyterLab sends with it."""
        request = json.dumps([self.id, code, seconds, cell])
        found: dict[str, Any] = json.loads(
            self.person.python(_RUN.format(request=request), self.server, seconds + 60).splitlines()[-1]
        )
        error = tuple(found["error"]) if found["error"] else None
        return Outcome(found["said"], error, found["ended"], tuple(found["shown"]))

    def interrupt(self) -> None:
        """As the Stop button does."""
        answer = self.person.web(f"api/kernels/{self.id}/interrupt", "POST", self.server)
        assert answer.status_code == 204, answer.text
