"""What dies is started again, later each time it dies young."""

import socket
from pathlib import Path

from carrel_local.daemons import Daemon
from carrel_local.supervisor import FIRST_PAUSE, LONGEST_PAUSE, WELL_AFTER, Watched, listens


def test_the_pause_doubles_up_to_a_limit_and_begins_anew_after_a_long_life() -> None:
    watched = Watched(Daemon("x", ("x",)))
    pauses = []
    for _ in range(8):
        watched.pid, watched.started = 7, 100
        watched.fell(101)
        pauses.append(watched.not_before - 101)
    assert pauses[:3] == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE]
    assert pauses[-1] == LONGEST_PAUSE
    assert watched.has_ended()
    watched.fell(100 + WELL_AFTER + 1)
    assert watched.not_before == 100 + WELL_AFTER + 1 + FIRST_PAUSE


def test_listens_means_that_a_connection_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "s"
    assert listens("")
    assert not listens(str(path))
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        assert not listens(str(path)), "a socket file nobody listens on, as a killed daemon leaves it"
        server.listen()
        assert listens(str(path))
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{server.getsockname()[1]}"
        assert not listens(address)
        server.listen()
        assert listens(address)
