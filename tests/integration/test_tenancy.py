"""What the other can't do next door, and what nobody can do from inside a notebook."""

from collections.abc import Callable

import httpx
import pytest

from carrel_operator import names
from support.cluster import Person, Platform, quoted

pytestmark = pytest.mark.cluster

NewPerson = Callable[..., Person]


def token_of(somebody: Person) -> str:
    """An API token like the one that every person can make on the hub's token page."""
    made = somebody.hub.post(f"/users/{quoted(somebody.name)}/tokens", json={"note": "a test"})
    assert made.status_code == 201, made.text
    return str(made.json()["token"])


def as_person(platform: Platform, token: str) -> httpx.Client:
    headers = {"Authorization": f"token {token}"} if token else {}
    return httpx.Client(base_url=platform.url, headers=headers, timeout=30, trust_env=False)


def test_only_its_owner_opens_a_server(person: NewPerson, platform: Platform) -> None:
    ada, alan = person(), person()
    ada.start()
    status = f"/user/{ada.name}/api/status"
    contents = f"/user/{ada.name}/api/contents/notes.txt"
    mine = {"type": "file", "format": "text", "content": "taken over"}
    with as_person(platform, token_of(ada)) as owner:
        assert owner.get(status).status_code == 200
    with as_person(platform, token_of(alan)) as other:
        assert other.get(status).status_code == 403
        assert other.put(contents, json=mine).status_code == 403
        assert other.post(f"/user/{ada.name}/api/kernels").status_code == 403
    with as_person(platform, "") as nobody:
        assert nobody.get(status).status_code == 403
        assert nobody.get(f"/user/{ada.name}/lab").status_code == 302  # to the sign-in
    assert ada.web("api/contents/notes.txt").status_code == 404


def test_a_notebook_has_no_key_to_the_cluster(person: NewPerson) -> None:
    """The one token in the pod is the warehouse's: the API server takes it for nobody."""
    ada = person()
    ada.start()
    seen = ada.python(
        "import os, ssl, urllib.request, urllib.error\n"
        "print(os.path.exists('/var/run/secrets/kubernetes.io'))\n"
        "token = open('/var/run/carrel/token/token').read()\n"
        "ask = urllib.request.Request('https://kubernetes.default/api/v1/namespaces/carrel/secrets',\n"
        "    headers={'Authorization': f'Bearer {token}'})\n"
        "try: print(urllib.request.urlopen(ask, timeout=5, context=ssl._create_unverified_context()).status)\n"
        "except urllib.error.HTTPError as error: print(error.code)\n"
        "except OSError: print('unreachable')\n"
    ).split()
    assert seen[0] == "False"
    assert seen[1] in {"401", "403", "unreachable"}


def test_a_notebook_runs_without_privileges(person: NewPerson) -> None:
    ada = person()
    ada.start()
    user, capabilities, no_new, home_owner = ada.python(
        "import os, pwd\n"
        "status = dict(line.split(':', 1) for line in open('/proc/self/status'))\n"
        "print(pwd.getpwuid(os.getuid()).pw_name, int(status['CapEff'], 16), status['NoNewPrivs'].strip(), os.access('/usr/bin', os.W_OK))"
    ).split()
    assert (user, capabilities, no_new, home_owner) == (names.slug(ada.name), "0", "1", "False")
