"""BigQuery's client, wrapped: each job that it begins has labels and an id that name its cell, and is noted.

Only methods that everybody calls are wrapped. Whatever goes wrong here, the call goes on as the person wrote it; only
where nobody would take it is it not sent.
"""

import contextlib
import copy
import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from carrel_lab.activity.queries import Jobs
from carrel_lab.queries import labels, reach
from carrel_lab.queries.here import Place, place

CLIENT = "google.cloud.bigquery.client"

# Each that begins a job, with the kind of its configuration. `create_job` calls one of these.
BEGIN_A_JOB = {
    "query": "QueryJobConfig",
    "query_and_wait": "QueryJobConfig",
    "load_table_from_uri": "LoadJobConfig",
    "load_table_from_file": "LoadJobConfig",
    "load_table_from_json": "LoadJobConfig",
    "load_table_from_dataframe": "LoadJobConfig",
    "copy_table": "CopyJobConfig",
    "extract_table": "ExtractJobConfig",
}
_DEFAULTS = {"QueryJobConfig": "default_query_job_config", "LoadJobConfig": "default_load_job_config"}


def wrap(module: Any, jobs: Jobs, where: Callable[[], Place] = place) -> None:  # noqa: ANN401 - BigQuery's own
    """Change the client's class, for all who use it in this process."""
    for name, kind in BEGIN_A_JOB.items():
        if method := getattr(module.Client, name, None):
            setattr(module.Client, name, _told(method, getattr(module, kind), jobs, where))


def _told(
    method: Callable[..., Any], kind: type[Any], jobs: Jobs, where: Callable[[], Place]
) -> Callable[..., Any]:
    signature = inspect.signature(method)

    @functools.wraps(method)
    def begin(client: Any, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401
        with contextlib.suppress(Exception):
            call = signature.bind(client, *arguments, **options)
            _name(call.arguments, signature, kind, where())
            (client, *arguments), options = call.args, call.kwargs  # type: ignore[assignment]
        reach.check()
        job = method(client, *arguments, **options)
        with contextlib.suppress(Exception):
            jobs.begun(client, job)
        return job

    return begin


def _name(call: dict[str, Any], signature: inspect.Signature, kind: type[Any], at: Place) -> None:
    """Put labels and the beginning of the job's id into the arguments of a call."""
    given = call.get("job_config")
    if given is not None and not isinstance(given, kind):
        return  # the client says what is wrong with it
    config = copy.deepcopy(given) if given is not None else kind()
    theirs = _labels(given, getattr(call["self"], _DEFAULTS.get(kind.__name__, ""), None))
    if found := labels.merged(theirs, at.labels):
        config.labels = found
        call["job_config"] = config
    # Not an id: with one, the client could not try again what failed for want of room.
    if "job_id_prefix" in signature.parameters and not (call.get("job_id") or call.get("job_id_prefix")):
        call["job_id_prefix"] = labels.job_id_prefix(at.cell)


def _labels(given: Any, default: Any) -> Mapping[str, str]:  # noqa: ANN401
    """A person's own: those of the call, else those of the client, as the client itself has it."""
    for config in (given, default):
        if config is not None and "labels" in (shown := config.to_api_repr()):
            return shown["labels"] or {}
    return {}
