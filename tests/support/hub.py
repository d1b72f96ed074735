"""The hub's REST API as the tests ask it."""

import json
from collections.abc import Iterator

import httpx

from support.cluster import Object


def hub_client(url: str, token: str) -> httpx.Client:
    """The REST API of the hub there, as whose token it is."""
    return httpx.Client(
        base_url=f"{url}/hub/api",
        headers={"Authorization": f"token {token}"},
        transport=httpx.HTTPTransport(retries=2),
        timeout=60,
        trust_env=False,
    )


def hub_answers(hub: httpx.Client) -> bool:
    """Whether the hub is up, for somebody who restarts it."""
    try:
        return hub.get("/user").status_code == 200
    except httpx.HTTPError:
        return False


def events(hub: httpx.Client, path: str) -> Iterator[Object]:
    """What a stream of server-sent events tells, until it ends."""
    with hub.stream("GET", path, headers={"Accept": "text/event-stream"}) as answer:
        assert answer.status_code == 200, answer.read()
        for line in answer.iter_lines():
            if line.startswith("data:"):
                yield json.loads(line.removeprefix("data:"))
