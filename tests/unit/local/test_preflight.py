"""Each refusal is one sentence, and the first one that matters."""

import dataclasses
import socket
from pathlib import Path

import pytest

from carrel_local.preflight import Machine, listening, refusal

GOOD = Machine(
    system="Linux",
    user=0,
    has_apt=True,
    has_namespaces=True,
    taken_ports=(),
    disk_gib=40,
    needed_disk_gib=12,
    memory_gib=8,
)


def test_a_good_machine_is_not_refused() -> None:
    assert refusal(GOOD) == ""


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param({"system": "Darwin"}, "needs Linux and this is Darwin", id="not Linux"),
        pytest.param({"user": 1000}, "needs root", id="not root"),
        pytest.param({"has_apt": False}, "no apt-get", id="not Debian"),
        pytest.param({"has_namespaces": False}, "namespaces", id="unprivileged container"),
        pytest.param({"taken_ports": (8001,)}, "Port 8001 is taken", id="port"),
        pytest.param({"disk_gib": 11.9}, "12 GiB must be free below /var and 11.9 are", id="disk"),
        pytest.param({"memory_gib": 3.5}, "needs 4 GiB and this machine has 3.5", id="memory"),
    ],
)
def test_a_refusal_is_one_sentence_with_the_reason(change: dict[str, object], words: str) -> None:
    sentence = refusal(dataclasses.replace(GOOD, **change))  # type: ignore[arg-type]
    assert words in sentence
    assert sentence.endswith(".") or "CARREL_CONTEXT" in sentence
    assert "\n" not in sentence


def test_what_root_could_not_find_out_is_not_said_before_the_lack_of_root() -> None:
    assert "root" in refusal(dataclasses.replace(GOOD, user=1000, has_namespaces=False))


def test_only_a_listener_on_that_very_port_counts() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
        table = Path("/proc/net/tcp")
        assert listening(table.read_text(), port) == set()
        server.listen()
        assert listening(table.read_text(), port) == {str(socket_inode(server))}


def socket_inode(open_socket: socket.socket) -> int:
    return Path(f"/proc/self/fd/{open_socket.fileno()}").stat().st_ino
