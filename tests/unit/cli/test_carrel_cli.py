"""The command as a person types it, against a hub that is played here."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from carrel_cli import commands, stopping, waiting
from carrel_cli.hub import Hub, HubError, Server
from carrel_cli.waiting import Restart, resize_step

Answers = dict[tuple[str, str], list[tuple[int, Any]]]

SMALL = {
    "name": "small",
    "cpu": "1",
    "memory": "2 GiB",
    "price_per_hour": 0.05,
    "live": True,
    "why": "",
}
GPU = SMALL | {"name": "gpu", "price_per_hour": None, "live": False, "why": "Restart to apply."}


def sizes(state: str = "", message: str = "", **more: Any) -> dict[str, Any]:
    resize = {"state": state, "reason": "", "message": message} if state else None
    found = {
        "instance_type": "gpu",
        "running": True,
        "currency": "$",
        "sizes": [SMALL, GPU],
        "resize": resize,
    }
    return found | more


class PlayedHub:
    """Gives the answers in their order, the last one again and again, and remembers what was asked."""

    def __init__(self) -> None:
        self.answers: Answers = {}
        self.asked: list[tuple[str, str, Any]] = []
        played = self

        class Handler(BaseHTTPRequestHandler):
            def _any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                path = self.path.removeprefix("/hub/api")
                played.asked.append((self.command, path, json.loads(body) if body else None))
                left = played.answers.get(
                    (self.command, path), [(404, {"message": "There is no such server."})]
                )
                status, answer = left.pop(0) if len(left) > 1 else left[0]
                self.send_response(status)
                self.end_headers()
                self.wfile.write(answer if isinstance(answer, bytes) else json.dumps(answer).encode())

            do_GET = do_PATCH = _any  # noqa: N815

            def log_message(self, *_: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[PlayedHub]:
    played = PlayedHub()
    for name in ("API_URL", "API_TOKEN", "USER", "SERVER_NAME"):
        monkeypatch.delenv(f"JUPYTERHUB_{name}", raising=False)
    monkeypatch.setenv("CARREL_URL", played.url)
    monkeypatch.setenv("CARREL_TOKEN", "secret")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(waiting, "_SECONDS_BETWEEN_LOOKS", 0.001)
    yield played
    played.close()


PATCH, SIZE = ("PATCH", "/users/ada/server"), ("GET", "/users/ada/server/size")


def test_a_resize_tells_each_sentence_once_until_it_is_applied(
    hub: PlayedHub, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.answers[PATCH] = [(202, sizes("InProgress", "Being applied."))]
    waits = (200, sizes("Deferred", "Waiting for room."))
    hub.answers[SIZE] = [waits, (503, {"message": "Away."}), waits, (200, sizes("Applied", "In force."))]
    assert commands.main(["resize", "ada", "gpu"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "Waiting for room.",
        "Away.",
        "Waiting for room.",
        "In force.",
    ]
    assert hub.asked[0] == (*PATCH, {"instance_type": "gpu"})


@pytest.mark.parametrize("state", ["Infeasible", "Refused", "Pending"])
def test_a_last_word_that_is_no_yes_ends_with_1(
    hub: PlayedHub, capsys: pytest.CaptureFixture[str], state: str
) -> None:
    hub.answers[PATCH] = [(202, sizes(state, "Not here."))]
    assert commands.main(["resize", "ada", "gpu"]) == 1
    assert capsys.readouterr().out == "Not here.\n"


def test_what_takes_too_long_ends_with_1(hub: PlayedHub, capsys: pytest.CaptureFixture[str]) -> None:
    hub.answers[PATCH] = hub.answers[SIZE] = [(202, sizes("Deferred", "Waiting for room."))]
    assert commands.main(["resize", "ada", "gpu", "--wait", "0.05"]) == 1
    assert "goes on without this command" in capsys.readouterr().out


def test_a_refusal_of_the_hub_is_said_as_it_is(hub: PlayedHub, capsys: pytest.CaptureFixture[str]) -> None:
    hub.answers[PATCH] = [(403, {"message": "Size 'gpu' is not for you. Sizes you may use: small."})]
    assert commands.main(["resize", "ada", "gpu"]) == 1
    assert capsys.readouterr().err == "Size 'gpu' is not for you. Sizes you may use: small.\n"


def test_without_a_name_it_is_the_own_server(hub: PlayedHub, capsys: pytest.CaptureFixture[str]) -> None:
    hub.answers["GET", "/user"] = [(200, {"name": "ada"})]
    hub.answers[SIZE] = [(200, sizes("Applied", "In force."))]
    assert commands.main(["sizes"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "   SIZE   CPU  MEMORY  PER HOUR  APPLIES",
        "   small  1    2 GiB   $0.05     live",
        "*  gpu    1    2 GiB   -         after a restart: Restart to apply.",
        "",
        "In force.",
    ]


def test_inside_a_server_its_own_token_is_enough(
    hub: PlayedHub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("CARREL_URL")
    monkeypatch.delenv("CARREL_TOKEN")
    own = {"API_URL": f"{hub.url}/hub/api", "API_TOKEN": "own", "USER": "ada@x.org", "SERVER_NAME": "lab 1"}
    for name, value in own.items():
        monkeypatch.setenv(f"JUPYTERHUB_{name}", value)
    path = "/users/ada@x.org/servers/lab%201"
    hub.answers["PATCH", path] = [(202, sizes())]
    assert commands.main(["restart", "--size", "gpu"]) == 0
    assert "this terminal ends with it" in capsys.readouterr().out
    assert hub.asked == [("PATCH", path, {"restart": True, "instance_type": "gpu"})]


def test_a_restart_is_followed_from_outside(hub: PlayedHub, capsys: pytest.CaptureFixture[str]) -> None:
    def server(**state: Any) -> tuple[int, Any]:
        return 200, {"servers": {"": {"pending": None, "ready": False, **state}}}

    hub.answers["GET", "/users/ada"] = [
        server(ready=True, started="1"),
        server(ready=True, started="1"),
        server(pending="stop", started="1"),
        (200, {"servers": {}}),
        server(pending="spawn", started="2"),
        server(ready=True, started="2"),
    ]
    hub.answers[PATCH] = [(202, sizes())]
    assert commands.main(["restart", "ada"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "Stopping the server.",
        "Starting the server.",
        "The server runs again.",
    ]


@pytest.mark.parametrize(
    ("arguments", "wish"), [(["keep", "ada", "8h"], "8h"), (["keep", "ada", "off"], None)]
)
def test_a_server_is_kept_for_as_long_as_one_says(
    hub: PlayedHub, capsys: pytest.CaptureFixture[str], arguments: list[str], wish: str | None
) -> None:
    hub.answers["PATCH", "/users/ada/server"] = [(202, sizes(idle_timeout=3600))]
    assert commands.main(arguments) == 0
    assert hub.asked == [("PATCH", "/users/ada/server", {"keep_for": wish})]
    assert capsys.readouterr().out == "The server stops when nothing has run in it for 1 h.\n"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            {"will_stop_at": "2026-10-25T00:30:00Z"},
            "The server stops at 02:30 CEST on 25 October if nothing runs in it before.",
        ),
        (
            {"will_stop_at": "2026-10-25T01:30:00Z", "keep_until": "2026-10-25T01:30:00Z"},
            "The server stops at 02:30 CET on 25 October if nothing runs in it before.",
        ),
        (
            {"will_stop_at": None, "keep_until": "2026-10-25T07:00:00Z", "idle_timeout": 3600},
            "The server is kept until 08:00 CET on 25 October at least, and for as long as something runs in it.",
        ),
        ({"idle_timeout": 600}, "The server stops when nothing has run in it for 10 minutes."),
        ({"idle_timeout": 20.0}, "The server stops when nothing has run in it for 20 seconds."),
        ({"idle_timeout": None}, "The server does not stop by itself."),
    ],
)
def test_the_next_stop_by_the_clock_on_the_wall_in_the_night_in_which_it_goes_back(
    answer: dict[str, Any], said: str
) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert stopping.sentence(answer, lambda time: time.astimezone(berlin)) == said


def test_a_server_that_does_not_come_back_is_a_failure() -> None:
    restart = Restart({"started": "1", "ready": True})
    steps = [restart.step({}) for _ in range(10)]
    assert [step.done for step in steps] == [None] * 9 + [False]
    assert "its page" in steps[-1].message.lower()


@pytest.mark.parametrize(
    ("found", "done", "said"),
    [
        (sizes(running=False), True, "next time"),
        (sizes(instance_type="small"), False, "Meanwhile size 'small'"),
        (sizes(), None, "being applied"),
        (sizes("InProgress", "Soon."), None, "Soon."),
    ],
)
def test_how_far_a_resize_is(found: dict[str, Any], done: bool | None, said: str) -> None:
    step = resize_step(found, "gpu")
    assert step.done is done
    assert said in step.message


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "Set CARREL_URL"),
        ({"CARREL_URL": "http://x"}, "CARREL_TOKEN"),
        ({"CARREL_URL": "file:///etc", "CARREL_TOKEN": "x"}, "must begin with http"),
    ],
)
def test_what_is_missing_is_said(environment: dict[str, str], said: str) -> None:
    with pytest.raises(HubError, match=said):
        Hub.from_environment(environment)


def test_names_of_servers() -> None:
    assert Server.parse("ada") == Server("ada", "")
    assert Server.parse("ada/lab") == Server("ada", "lab")
    with pytest.raises(HubError, match="names no server"):
        Server.parse("/lab")


def test_an_address_where_nobody_answers_is_named() -> None:
    nobody = Hub.from_environment({"CARREL_URL": "http://127.0.0.1:9", "CARREL_TOKEN": "x"})
    with pytest.raises(HubError, match="does not answer"):
        nobody.sizes(Server("ada"))


def test_an_answer_of_something_else_is_no_hub(hub: PlayedHub, capsys: pytest.CaptureFixture[str]) -> None:
    hub.answers[SIZE] = [(200, b"<html>")]
    assert commands.main(["sizes", "ada"]) == 1
    assert "does not answer like a hub" in capsys.readouterr().err


def finding(state: str, where: str = "hub", command: str = "") -> dict[str, str]:
    return {"name": state, "state": state, "message": "So it is.", "command": command, "where": where}


def test_what_the_doctor_found_is_a_line_each_and_a_fault_ends_with_1(
    hub: PlayedHub, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.answers["GET", "/user"] = [(200, {"name": "grace"})]
    found = [finding("ok"), finding("skipped", "server"), finding("failed", "server", "carrel restart")]
    hub.answers["GET", "/users/ada/server/doctor"] = [(200, {"findings": found})]
    hub.answers["GET", "/users/project%3Arisk/server/doctor"] = [(200, {"findings": found[:1]})]
    hub.answers["GET", "/carrel/doctor"] = [(200, {"findings": found[:1]})]
    assert commands.main(["doctor", "ada"]) == 1
    first, warning, *rest = capsys.readouterr().out.splitlines()
    assert first == "✓ ok: So it is."
    assert "its owner can change that" in warning
    assert rest == ["\N{EN DASH} skipped: So it is.", "✗ failed: So it is.", "    carrel restart"]
    assert commands.main(["doctor", "--project", "risk"]) == 0
    assert commands.main(["doctor", "--all"]) == 0
