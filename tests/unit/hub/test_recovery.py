import logging

import pytest

from carrel_hub import recovery
from carrel_hub.notebooks import Notebooks
from unit.hub.kubernetes_api import KubernetesApi, notebook


@pytest.mark.parametrize(
    ("spec", "known", "stopped"),
    [
        pytest.param({"environmentSecret": "nb-ada-env"}, False, True, id="running, unknown"),
        pytest.param({"environmentSecret": "nb-ada-env"}, True, False, id="running, known"),
        pytest.param(
            {"environmentSecret": "nb-ada-env", "running": False}, False, False, id="stopped already"
        ),
        pytest.param({}, False, False, id="never started by a hub"),
    ],
)
async def test_only_what_a_hub_started_and_this_one_does_not_know_is_stopped(
    api: KubernetesApi, notebooks: Notebooks, spec: dict[str, object], known: bool, stopped: bool
) -> None:
    api.put("notebooks", notebook(**spec))
    await recovery.stop_unknown(notebooks, lambda owner, server: (owner, server) == ("ada", "") and known)
    assert bool(api.writes) is stopped


async def test_it_says_whose_server_it_stops_and_goes_on_after_a_failure(
    api: KubernetesApi, notebooks: Notebooks, caplog: pytest.LogCaptureFixture
) -> None:
    api.put("notebooks", notebook("ada", environmentSecret="nb-ada-env"))
    api.put("notebooks", notebook("alan", environmentSecret="nb-alan-env"))
    api.refusal = (500, "no")
    with caplog.at_level(logging.WARNING):
        await recovery.stop_unknown(notebooks, lambda _owner, _server: False)
    assert "Stopping notebook 'ada' of ada: no server of this hub." in caplog.text
    assert "Notebook 'alan' could not be stopped" in caplog.text
