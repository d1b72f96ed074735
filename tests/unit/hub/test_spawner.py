import asyncio
import base64
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub import orm
from jupyterhub.objects import Hub, Server
from jupyterhub.user import User
from jupyterhub.utils import iterate_until
from sqlalchemy.orm import Session
from traitlets.config import Config

from carrel_hub import cluster_view
from carrel_hub import spawner as spawner_module
from carrel_hub.notebooks import Notebooks
from carrel_hub.refusal import StartRefused
from carrel_hub.spawner import NotebookSpawner
from carrel_operator import names
from unit.hub.kubernetes_api import KubernetesApi, notebook

Eventually = Callable[[Callable[[], object]], Awaitable[None]]


@pytest.fixture(scope="module")
def database() -> Iterator[Session]:
    """A real hub's database; making one takes seconds."""
    database = orm.new_session_factory("sqlite:///:memory:")()
    yield database
    database.close()


@pytest.fixture
def user(database: Session) -> Iterator[User]:
    """A real user of a real hub."""
    person = orm.User(name="ada")
    person.groups = [orm.Group(name="analysts"), orm.Group(name="all")]
    database.add(person)
    database.commit()
    hub = Hub(ip="127.0.0.1", port=8081, base_url="/hub/")
    yield User(person, {"spawner_class": NotebookSpawner, "hub": hub, "config": Config(), "base_url": "/"})
    for table in reversed(orm.Base.metadata.sorted_tables):
        database.execute(table.delete())
    database.commit()
    database.expunge_all()


@pytest.fixture
def spawner(
    user: User, database: Session, notebooks: Notebooks, monkeypatch: pytest.MonkeyPatch
) -> NotebookSpawner:
    """Ada's default server, as JupyterHub prepares it for a start."""
    monkeypatch.setattr(spawner_module, "shared", lambda _: notebooks)
    server = orm.Server(base_url="/user/ada/")
    database.add(server)
    database.commit()
    found: NotebookSpawner = user.spawners[""]
    found.server = Server(orm_server=server)
    found.api_token, found.user_options = "a-token", {}
    return found


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """A port at which something listens."""
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()


async def until_asked(api: KubernetesApi, eventually: Eventually, name: str = "ada") -> str:
    """Wait until a start has been asked for; its session."""
    await eventually(lambda: api.objects["notebooks"].get(name, {}).get("spec", {}).get("running"))
    session: str = api.objects["notebooks"][name]["spec"]["session"]
    return session


async def started(spawner: NotebookSpawner, api: KubernetesApi, eventually: Eventually, port: int) -> str:
    """A start that goes well."""
    start = asyncio.create_task(spawner.start())
    session = await until_asked(api, eventually, spawner.notebook_name)
    api.say(spawner.notebook_name, "Running", "Running", session=session, url=f"http://127.0.0.1:{port}")
    return await start


class TestStart:
    async def test_it_asks_for_what_was_chosen_and_returns_the_address(
        self, spawner: NotebookSpawner, api: KubernetesApi, eventually: Eventually, port: int
    ) -> None:
        spawner.user_options = {"instance_type": "large", "image": "other"}
        assert await started(spawner, api, eventually, port) == f"http://127.0.0.1:{port}"
        spec = api.objects["notebooks"]["ada"]["spec"]
        assert spec["session"]
        assert spec == {
            "owner": "ada",
            "ownerGroups": ["all", "analysts"],
            "server": "",
            "session": spec["session"],
            "running": True,
            "instanceType": "large",
            "image": "other",
            "environmentSecret": "nb-ada-env",
        }

    async def test_the_token_is_in_the_secret_alone_and_the_secret_belongs_to_the_notebook(
        self, spawner: NotebookSpawner, api: KubernetesApi, eventually: Eventually, port: int
    ) -> None:
        await started(spawner, api, eventually, port)
        secret, found = api.objects["secrets"]["nb-ada-env"], api.objects["notebooks"]["ada"]
        environment = {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}
        assert environment["JUPYTERHUB_API_TOKEN"] == "a-token"
        assert environment["JUPYTERHUB_SERVICE_URL"] == "http://0.0.0.0:8888/user/ada/"
        assert "PATH" not in environment
        assert secret["metadata"]["ownerReferences"][0]["uid"] == found["metadata"]["uid"]
        assert "a-token" not in str(found)

    async def test_the_first_start_writes_three_times_and_a_later_one_twice(
        self, spawner: NotebookSpawner, api: KubernetesApi, eventually: Eventually, port: int
    ) -> None:
        await started(spawner, api, eventually, port)
        applies = [("APPLY", "notebooks/ada"), ("APPLY", "secrets/nb-ada-env"), ("APPLY", "notebooks/ada")]
        assert api.writes == applies
        first = api.objects["notebooks"]["ada"]["spec"]["session"]
        api.put("notebooks", notebook(running=False))
        await eventually(lambda: spawner_is_known_stopped(spawner))
        api.writes.clear()
        await started(spawner, api, eventually, port)
        assert api.writes == applies[1:]
        assert api.objects["notebooks"]["ada"]["spec"]["session"] != first

    async def test_it_returns_within_a_tenth_of_a_second_after_the_port_opens(
        self, spawner: NotebookSpawner, api: KubernetesApi, eventually: Eventually
    ) -> None:
        start = asyncio.create_task(started(spawner, api, eventually, free := port_of_nothing()))
        await asyncio.sleep(0.3)
        assert not start.done()
        server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", free)
        opened = asyncio.get_running_loop().time()
        await start
        assert asyncio.get_running_loop().time() - opened < 0.1
        server.close()

    async def test_a_pod_of_an_earlier_session_is_not_taken_for_the_server(
        self, spawner: NotebookSpawner, api: KubernetesApi, eventually: Eventually, port: int
    ) -> None:
        start = asyncio.create_task(spawner.start())
        session = await until_asked(api, eventually)
        api.say("ada", "Running", "Running", session="earlier", url=f"http://127.0.0.1:{port}")
        await asyncio.sleep(0.1)
        assert not start.done()
        api.say("ada", "Running", "Running", session=session, url=f"http://127.0.0.1:{port}")
        await start

    @pytest.mark.parametrize("options", [{"instance_type": "gpu"}, {"image": "none"}, {"memory": "1Ti"}])
    async def test_options_that_are_not_allowed_write_nothing_and_are_not_offered_again(
        self, spawner: NotebookSpawner, api: KubernetesApi, options: dict[str, str]
    ) -> None:
        spawner.user_options = spawner.orm_spawner.user_options = options
        with pytest.raises(StartRefused) as refused:
            await spawner.start()
        assert refused.value.status_code == 400
        assert "are" in refused.value.jupyterhub_message or "use" in refused.value.jupyterhub_message
        assert api.writes == []
        assert spawner.orm_spawner.user_options == {}

    @pytest.mark.parametrize("reason", ["ServerFailed", "HomeOwnerMismatch", "UnknownImage"])
    async def test_what_can_never_come_up_ends_the_start_at_once_with_the_operators_sentence(
        self, spawner: NotebookSpawner, api: KubernetesApi, eventually: Eventually, reason: str
    ) -> None:
        start = asyncio.create_task(spawner.start())
        await until_asked(api, eventually)
        api.say("ada", "Failed", reason, "It needs more memory. Choose a larger size.")
        with pytest.raises(StartRefused, match="Choose a larger size") as refused:
            await start
        assert refused.value.reason == reason
        assert api.objects["notebooks"]["ada"]["spec"]["running"] is False

    async def test_why_it_was_refused_is_kept_for_the_pages_until_the_next_start(
        self, spawner: NotebookSpawner, api: KubernetesApi, eventually: Eventually
    ) -> None:
        said, heard = spawner.notebooks.said, asyncio.Event()
        for _ in range(2):
            start = asyncio.create_task(spawner.start())
            await until_asked(api, eventually)
            assert said("ada") == ""
            with spawner.view.heard(heard, ("ada",)):
                api.say("ada", "Failed", "ServerFailed", "It fell over.")
                with pytest.raises(StartRefused, match="fell over"):
                    await start
            assert heard.is_set()
            assert said("ada") == "It fell over."

    async def test_a_complaint_that_only_others_can_settle_is_given_some_time(
        self, spawner: NotebookSpawner, api: KubernetesApi, eventually: Eventually, port: int
    ) -> None:
        spawner.stuck_timeout = 0.3
        start = asyncio.create_task(spawner.start())
        session = await until_asked(api, eventually)
        api.say("ada", "Pending", "Unschedulable", "No node has room.")
        await asyncio.sleep(0.2)
        api.say("ada", "Pending", "Scheduling", "Looking for a node.")
        await asyncio.sleep(0.2)
        assert not start.done()
        api.say("ada", "Running", "Running", session=session, url=f"http://127.0.0.1:{port}")
        await start

    async def test_a_complaint_that_lasts_ends_the_start_and_leaves_nothing_running(
        self, spawner: NotebookSpawner, api: KubernetesApi, eventually: Eventually
    ) -> None:
        spawner.stuck_timeout = 0.1
        start = asyncio.create_task(spawner.start())
        await until_asked(api, eventually)
        api.say("ada", "Pending", "ImagePullFailed", "Image 'other' can't be fetched.")
        with pytest.raises(StartRefused, match="can't be fetched"):
            await start
        assert api.objects["notebooks"]["ada"]["spec"]["running"] is False

    async def test_a_notebook_deleted_while_it_starts_is_said_at_once(
        self, spawner: NotebookSpawner, api: KubernetesApi, eventually: Eventually
    ) -> None:
        start = asyncio.create_task(spawner.start())
        await until_asked(api, eventually)
        await eventually(lambda: any("watch" in each for each in api.requests))
        api.remove("notebooks", "ada")
        with pytest.raises(StartRefused, match="was deleted"):
            await start
        assert "ada" not in api.objects["notebooks"]

    async def test_a_server_that_dies_before_it_answers_is_said_at_once(
        self, spawner: NotebookSpawner, api: KubernetesApi, eventually: Eventually
    ) -> None:
        start = asyncio.create_task(spawner.start())
        session = await until_asked(api, eventually)
        url = f"http://127.0.0.1:{port_of_nothing()}"
        api.say("ada", "Running", "Running", session=session, url=url)
        await asyncio.sleep(0.1)
        api.say(
            "ada", "Failed", "ServerFailed", "The server stopped with exit code 3.", session=session, url=url
        )
        with pytest.raises(StartRefused, match="exit code 3"):
            await start

    async def test_the_limit_of_time_is_a_sentence_with_the_last_one_of_the_operator(
        self, spawner: NotebookSpawner, api: KubernetesApi, eventually: Eventually
    ) -> None:
        spawner.start_timeout = 2
        start = asyncio.create_task(spawner.start())
        await until_asked(api, eventually)
        api.say("ada", "Starting", "Starting", "Node 'one' fetches the image.")
        with pytest.raises(StartRefused, match=r"within 2 seconds\. Node 'one' fetches the image\."):
            await start
        assert api.objects["notebooks"]["ada"]["spec"]["running"] is False

    @pytest.mark.parametrize(
        ("code", "status", "said"),
        [
            pytest.param(403, 403, "The cluster refused the server: exceeded quota", id="forbidden"),
            pytest.param(422, 403, "The cluster refused the server: exceeded quota", id="invalid"),
            pytest.param(500, 503, "The cluster does not answer", id="broken"),
        ],
    )
    async def test_what_kubernetes_answers_is_a_sentence(
        self, spawner: NotebookSpawner, api: KubernetesApi, code: int, status: int, said: str
    ) -> None:
        api.refusal = (code, "exceeded quota")
        with pytest.raises(StartRefused, match=said) as refused:
            await spawner.start()
        assert refused.value.status_code == status

    async def test_a_catalogue_that_cannot_be_read_is_a_sentence(
        self, spawner: NotebookSpawner, api: KubernetesApi, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        api.down = True
        monkeypatch.setattr(cluster_view, "_LONG_ENOUGH", 0.1)
        with pytest.raises(StartRefused, match="The cluster does not answer"):
            await spawner.start()

    async def test_a_start_that_is_stopped_says_so_and_leaves_nothing_running(
        self, spawner: NotebookSpawner, api: KubernetesApi, eventually: Eventually
    ) -> None:
        start = asyncio.create_task(spawner.start())
        await until_asked(api, eventually)
        start.cancel()
        with pytest.raises(StartRefused, match="was cancelled") as refused:
            await start
        assert refused.value.status_code == 409
        assert api.objects["notebooks"]["ada"]["spec"]["running"] is False
        assert await spawner.poll() == 0

    async def test_a_hub_that_ends_leaves_the_start_to_the_next(
        self, spawner: NotebookSpawner, api: KubernetesApi, eventually: Eventually, notebooks: Notebooks
    ) -> None:
        start = asyncio.create_task(spawner.start())
        await until_asked(api, eventually)
        for task in asyncio.all_tasks() - {asyncio.current_task()}:  # as JupyterHub does
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await start
        assert notebooks.view.ending
        assert api.objects["notebooks"]["ada"]["spec"]["running"] is True


class TestPoll:
    async def test_a_server_that_was_never_started_does_not_run(self, spawner: NotebookSpawner) -> None:
        assert await spawner.poll() == 0

    async def test_while_it_starts_it_counts_as_running(
        self, spawner: NotebookSpawner, api: KubernetesApi, eventually: Eventually
    ) -> None:
        start = asyncio.create_task(spawner.start())
        assert await spawner.poll() == 0, "not begun"
        await asyncio.sleep(0)
        assert await spawner.poll() is None
        await until_asked(api, eventually)
        start.cancel()
        await asyncio.gather(start, return_exceptions=True)

    @pytest.mark.parametrize(
        ("spec", "said", "status", "left_running"),
        [
            pytest.param({}, ("Running", "Running"), None, True, id="running"),
            pytest.param(
                {}, ("Pending", "Unschedulable"), None, True, id="waiting for room after a lost node"
            ),
            pytest.param({}, None, None, True, id="not looked at yet"),
            pytest.param({"running": False}, ("Stopping", "Stopping"), 0, False, id="stopped by kubectl"),
            pytest.param({}, ("Stopped", "ServerExited"), 0, False, id="shut down from within"),
            pytest.param({}, ("Failed", "ServerFailed"), 1, False, id="crashed"),
        ],
    )
    async def test_it_reads_what_the_operator_says(  # noqa: PLR0917 - a table and its fixtures
        self,
        spawner: NotebookSpawner,
        notebooks: Notebooks,
        api: KubernetesApi,
        spec: dict[str, Any],
        said: tuple[str, str] | None,
        status: int | None,
        left_running: bool,
    ) -> None:
        api.put("notebooks", notebook(**spec))
        if said:
            api.say("ada", *said)
        await notebooks.view.all()
        assert await spawner.poll() == status
        assert api.objects["notebooks"]["ada"]["spec"]["running"] is left_running

    async def test_it_asks_the_api_server_only_when_the_watch_is_broken(
        self, spawner: NotebookSpawner, notebooks: Notebooks, api: KubernetesApi, eventually: Eventually
    ) -> None:
        api.put("notebooks", notebook())
        await notebooks.view.all()
        await eventually(lambda: len([each for each in api.requests if "watch=true" in each]) >= 4)
        api.requests.clear()
        assert await spawner.poll() is None
        assert api.requests == []
        api.down = True
        api.end_watches()
        await eventually(lambda: len([each for each in api.requests if "watch=true" in each]) >= 4)
        assert await spawner.poll() is None, "not known to be stopped"
        api.down = False
        api.put("notebooks", notebook(running=False), quietly=True)
        assert await spawner.poll() == 0

    async def test_it_follows_the_service_to_another_address(
        self, spawner: NotebookSpawner, notebooks: Notebooks, api: KubernetesApi
    ) -> None:
        api.put("notebooks", notebook())
        api.say("ada", "Running", "Running", url="http://10.9.8.7:8888")
        await notebooks.view.all()
        await spawner.poll()
        assert spawner.server.url == "http://10.9.8.7:8888/user/ada/"


class TestStop:
    async def test_it_returns_when_the_operator_says_stopped(
        self, spawner: NotebookSpawner, notebooks: Notebooks, api: KubernetesApi, eventually: Eventually
    ) -> None:
        api.put("notebooks", notebook())
        api.say("ada", "Stopped", "Stopped")  # of an earlier generation
        await notebooks.view.all()
        stop = asyncio.create_task(spawner.stop())
        await eventually(lambda: not api.objects["notebooks"]["ada"]["spec"]["running"])
        await asyncio.sleep(0.05)
        assert not stop.done()
        api.say("ada", "Stopping", "Stopping")
        await asyncio.sleep(0.05)
        assert not stop.done()
        api.say("ada", "Stopped", "Stopped")
        await stop
        assert api.writes == [("PATCH", "notebooks/ada")]

    async def test_what_does_not_exist_is_stopped(self, spawner: NotebookSpawner) -> None:
        await spawner.stop(now=True)

    async def test_it_does_not_wait_for_ever(
        self, spawner: NotebookSpawner, notebooks: Notebooks, api: KubernetesApi
    ) -> None:
        spawner.stop_timeout = 0.1
        api.put("notebooks", notebook())
        await notebooks.view.all()
        await spawner.stop()


class TestProgress:
    async def test_it_says_each_sentence_once_and_ends_with_the_start(
        self, spawner: NotebookSpawner, api: KubernetesApi, eventually: Eventually, port: int
    ) -> None:
        start = asyncio.create_task(spawner.start())
        session = await until_asked(api, eventually)
        said: list[dict[str, Any]] = []

        async def listen() -> None:
            said.extend([event async for event in spawner.progress()])

        listening = asyncio.create_task(listen())
        for phase, message in (("Pending", "Looking."), ("Starting", "Fetching."), ("Starting", "Fetching.")):
            api.say("ada", phase, "Scheduling", message)
            await asyncio.sleep(0.05)
        api.say("ada", "Running", "Running", "Running.", session=session, url=f"http://127.0.0.1:{port}")
        await start
        await asyncio.wait_for(listening, 2)
        assert [each["message"] for each in said][:2] == ["Looking.", "Fetching."]
        assert [each["progress"] for each in said][:2] == [20, 50]

    @pytest.mark.parametrize("later", range(6))
    async def test_jupyterhub_may_end_it_just_as_the_start_ends(
        self, spawner: NotebookSpawner, api: KubernetesApi, later: int
    ) -> None:
        api.put("notebooks", notebook())
        loop = asyncio.get_running_loop()
        spawner._start_ended, spawned = loop.create_future(), loop.create_future()

        async def listen() -> list[dict[str, Any]]:
            return [event async for event in iterate_until(spawned, spawner.progress())]

        listening = asyncio.create_task(listen())
        await asyncio.sleep(0.2)
        spawner._start_ended.set_result(None)
        for _ in range(later):
            await asyncio.sleep(0)
        spawned.set_result(None)
        await asyncio.wait_for(listening, 2)

    async def test_without_a_start_there_is_nothing_to_say(self, spawner: NotebookSpawner) -> None:
        assert [event async for event in spawner.progress()] == []


class TestTheRest:
    async def test_a_removed_server_takes_its_notebook_along(
        self, spawner: NotebookSpawner, notebooks: Notebooks, api: KubernetesApi
    ) -> None:
        api.put("notebooks", notebook(running=False))
        await notebooks.view.all()
        await spawner.delete_forever()
        assert api.objects["notebooks"] == {}
        await spawner.delete_forever()

    async def test_a_renamed_server_leaves_no_notebook_of_the_old_name(
        self, spawner: NotebookSpawner, notebooks: Notebooks, api: KubernetesApi
    ) -> None:
        body = notebook(server="old", running=False)
        body["metadata"]["name"] = "ada--old"
        api.put("notebooks", body)
        await notebooks.view.all()
        await spawner.rename("old", "new")
        assert api.objects["notebooks"] == {}

    async def test_after_a_restart_the_address_is_found_with_an_empty_state(
        self, spawner: NotebookSpawner, notebooks: Notebooks, api: KubernetesApi, port: int
    ) -> None:
        api.put("notebooks", notebook())
        api.say("ada", "Running", "Running", session="s1", url=f"http://127.0.0.1:{port}")
        await notebooks.view.all()
        assert await spawner.get_url() == f"http://127.0.0.1:{port}/user/ada/"

    async def test_after_a_restart_in_the_middle_of_a_start_it_is_waited_for(
        self, spawner: NotebookSpawner, notebooks: Notebooks, api: KubernetesApi, port: int
    ) -> None:
        api.put("notebooks", notebook())
        api.say("ada", "Starting", "Starting", session="s1")
        await notebooks.view.all()
        found = asyncio.create_task(spawner.get_url())
        await asyncio.sleep(0.1)
        assert not found.done()
        api.say("ada", "Running", "Running", session="s1", url=f"http://127.0.0.1:{port}")
        assert await found == f"http://127.0.0.1:{port}/user/ada/"

    async def test_the_form_shows_what_the_person_may_use_and_nothing_else(
        self, spawner: NotebookSpawner
    ) -> None:
        spawner.orm_spawner.user_options = {"instance_type": "large"}
        form = await spawner.get_options_form()
        assert 'value="small"' in form
        assert 'value="large" required checked' in form
        assert "gpu" not in form

    def test_a_form_is_read_as_names(self, spawner: NotebookSpawner) -> None:
        form = {"instance_type": ["small"], "image": ["standard"]}
        assert spawner.run_options_from_form(form) == {"instance_type": "small", "image": "standard"}
        assert spawner.options_from_query(form) == {"instance_type": "small", "image": "standard"}


def spawner_is_known_stopped(spawner: NotebookSpawner) -> bool:
    found = [each for each in spawner.view._notebooks.values() if each.name == "ada"]
    return bool(found) and not found[0].running


def port_of_nothing() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class TestTeam:
    """A project's own server, whoever starts it."""

    @pytest.fixture
    def team(self, spawner: NotebookSpawner) -> NotebookSpawner:
        spawner.user.orm_user.name = "project:sales"
        return spawner

    async def test_it_says_whose_server_it_is_and_who_asked_for_it(
        self, team: NotebookSpawner, api: KubernetesApi, eventually: Eventually, port: int
    ) -> None:
        team.handler = SimpleNamespace(current_user=SimpleNamespace(name="ada"))
        await started(team, api, eventually, port)
        found = api.objects["notebooks"][names.notebook("project:sales")]
        spec, annotations = found["spec"], found["metadata"]["annotations"]
        assert (spec["owner"], spec["project"], "ownerGroups" in spec) == ("project:sales", "sales", False)
        assert annotations == {"carrel.dev/started-by": "ada"}
        await team.resize("large", "alan")
        team.stopped_by = "grace"
        await asyncio.wait([asyncio.create_task(team.stop())], timeout=0.1)
        found = api.objects["notebooks"][names.notebook("project:sales")]["metadata"]["annotations"]
        assert found["carrel.dev/resized-by"] == "alan"
        assert found["carrel.dev/stopped-by"] == "grace"

    async def test_it_may_have_the_sizes_of_the_groups_that_all_may_work_in_it(
        self, team: NotebookSpawner, api: KubernetesApi, notebooks: Notebooks, eventually: Eventually
    ) -> None:
        assert team.groups == ()
        members = [{"group": "researchers", "role": "editor"}, {"group": "guests", "role": "viewer"}]
        api.put("projects", {"metadata": {"name": "sales"}, "spec": {"members": members}})
        await eventually(lambda: team.groups)
        assert team.groups == ("researchers",)
        assert "gpu" in await team.render_options_form()
        assert await notebooks.view.catalogue()

    async def test_its_token_opens_nothing_and_a_persons_opens_their_own(
        self, spawner: NotebookSpawner
    ) -> None:
        assert "access:servers!server=ada/" in spawner.server_token_scopes(spawner)
        spawner.user.orm_user.name = "project:sales"
        assert spawner.server_token_scopes(spawner) == [
            "users:activity!user",
            "servers!server=project:sales/",
        ]
