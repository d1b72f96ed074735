"""What a page shows of one server: its state in a sentence, its size, how full it is, what it costs, and what can be done."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from carrel_hub import money, options, sizes
from carrel_operator import idle, names, quantities
from carrel_operator.api import DiskUse, Notebook, NotebookImage, Phase, ResizeState, Volume
from carrel_operator.catalogue import Catalogue
from carrel_operator.quantities import number

# What the operator says while there is nothing to say: the state in one word is enough.
ORDINARY = frozenset({"The server is running.", "The server is stopped."})

# A file system of about the volume's size is the volume's own; a larger one is shared with others.
_LARGEST = 1.1

_HOURS = (1, 4, 8, 24, 48)  # as far as the administrator allows
_AS_USUAL = "usual"

_ONLY_A_RESTART_HELPS = frozenset({ResizeState.INFEASIBLE, ResizeState.DEFERRED, ResizeState.PENDING})
_NOTHING_ALLOWED = "There is no size or no image that you may use yet. Ask an administrator for one."
_STARTING = frozenset({Phase.PENDING, Phase.STARTING})
_TONES = {Phase.RUNNING: "on", Phase.FAILED: "bad", Phase.STOPPED: "off"}


@dataclass(frozen=True, slots=True)
class Server:
    """What the hub knows of a server beside its Notebook."""

    owner: str
    name: str = ""
    title: str = ""
    url: str = ""
    form: str = ""  # where size and image of a start are chosen
    groups: Collection[str] = ()
    chosen: Mapping[str, Any] = field(default_factory=dict)  # at the last start
    said: str = ""  # why the last start failed, or the server ended
    known: bool = True  # whether the hub can do anything to it

    @property
    def notebook(self) -> str:
        """The name of its Notebook."""
        return names.notebook(self.owner, self.name)


def view(
    server: Server, notebook: Notebook | None, catalogue: Catalogue, currency: str, stop: Mapping[str, Any]
) -> dict[str, Any]:
    """Everything that a page needs, in words and figures for people; ``stop`` is what ``activity.view`` tells."""
    phase = phase_of(notebook)
    suggested = options.suggestion(server.chosen, catalogue, server.groups)
    size = sizes.view(
        notebook, suggested.instance_type if suggested else "", catalogue, server.groups, currency
    )
    price = price_now(notebook, catalogue)
    return {
        "key": server.notebook,
        "kind": "desk",
        "owner": server.owner,
        "server": server.name,
        "title": server.title or server.name,
        "url": server.url,
        "form": server.form,
        "state": str(phase),
        "tone": _TONES.get(phase, "busy"),
        "message": _message(server, notebook, phase, startable=suggested is not None),
        "since": _since(notebook) if phase in _TONES else "",
        "size": size["instance_type"],
        "size_of": f"Size of {server.title or server.notebook}",
        "sizes": _choices(size, catalogue, currency),
        "image": _image(notebook, suggested.image if suggested else "", catalogue),
        "memory": memory(notebook) if phase is Phase.RUNNING else None,
        "disk": disk(_home(notebook), notebook.home_use if notebook else None),
        "price": price,
        "price_text": money.per_hour(price, currency) if price else "",
        "notices": _notices(notebook, phase, size["resize"]),
        "node": notebook.status.node if notebook else "",
        **(_stopping(server, stop) if phase is Phase.RUNNING else {"stops_text": "", "keep": []}),
        **_possible(server, phase, size, startable=suggested is not None),
    }


def phase_of(notebook: Notebook | None) -> Phase:
    """The phase, or the one that comes next while the operator has not yet looked at what was asked."""
    if notebook is None:
        return Phase.STOPPED
    phase = notebook.status.phase or Phase.STOPPED
    if notebook.status.observed_generation >= notebook.metadata.generation:
        return phase
    if notebook.running:
        return phase if phase in {*_STARTING, Phase.RUNNING} else Phase.STARTING
    return Phase.STOPPED if phase is Phase.STOPPED else Phase.STOPPING


def price_now(notebook: Notebook | None, catalogue: Catalogue) -> float:
    """What an hour of it costs as things are; 0 for a server that has no place on a node, or a size without a price."""
    phase = phase_of(notebook)
    if notebook is None or phase in {Phase.STOPPED, Phase.FAILED}:
        return 0.0
    if phase is not Phase.RUNNING and not notebook.status.node:
        return 0.0
    size = catalogue.instance_types.get(notebook.status.instance_type or notebook.instance_type)
    return float(size.price_per_hour or 0) if size else 0.0


def memory(notebook: Notebook | None) -> dict[str, Any] | None:
    """The most that this session used, of its limit; None while the server has none."""
    if notebook is None or not notebook.status.memory_limit:
        return None
    limit, peak = number(notebook.status.memory_limit), notebook.memory_use.peak
    if notebook.memory_use.session != notebook.session:  # of an earlier session
        peak = 0
    whole = quantities.memory(notebook.status.memory_limit)
    if not peak:
        return {"percent": 0, "text": f"of {whole}", "hint": "Less than half of it was used so far."}
    hint = "The most that was in use since the start."
    return {
        "percent": min(100, int(peak * 100 // limit)),
        "text": _of(peak, whole),
        "hint": hint,
    }


def disk(volume: Volume | None, use: DiskUse | None) -> dict[str, Any] | None:
    """How full a volume is; None while there is none. Where volumes share a disk, that disk's figures say so."""
    if volume is None or not volume.size:
        return None
    size = quantities.memory(volume.size)
    if use is None:
        return {"percent": 0, "text": size, "hint": "A server that runs tells how much of it is used."}
    percent = min(100, use.used * 100 // max(1, use.file_system))
    if use.file_system > float(number(volume.size)) * _LARGEST:
        hint = f"Its disk is shared with others, and {percent} % full; {size} are promised here."
        return {"percent": percent, "text": f"shared disk, {percent} % full", "hint": hint}
    return {"percent": percent, "text": _of(use.used, size), "hint": f"{percent} % full."}


def _of(part: int, whole: str) -> str:
    """``1.7 of 2 GiB``, ``300 MiB of 2 GiB``."""
    amount, unit = quantities.memory(str(part)).split(" ")
    return f"{amount} of {whole}" if whole.endswith(f" {unit}") else f"{amount} {unit} of {whole}"


def _home(notebook: Notebook | None) -> Volume | None:
    volumes = notebook.status.volumes if notebook else ()
    return next((each for each in volumes if each.name == "home"), None)


def _message(server: Server, notebook: Notebook | None, phase: Phase, *, startable: bool) -> str:
    """Why it is as it is, where that is not plain from the state."""
    if not server.known:
        return f"Only kubectl can change it: the hub did not make the notebook '{server.notebook}'."
    if not startable:
        return _NOTHING_ALLOWED
    if phase is Phase.STOPPED and server.said:
        return server.said
    if notebook is None:
        return ""
    if notebook.status.observed_generation < notebook.metadata.generation and phase is not Phase.RUNNING:
        return "Asked for; a moment." if notebook.running else ""
    return "" if notebook.status.message in ORDINARY else notebook.status.message


def _since(notebook: Notebook | None) -> str:
    ready = (
        next((each for each in notebook.status.conditions if each.type == "Ready"), None)
        if notebook
        else None
    )
    return ready.last_transition_time if ready else ""


def _choices(size: Mapping[str, Any], catalogue: Catalogue, currency: str) -> list[dict[str, Any]]:
    """The sizes to choose from, and the present one even if it may not be chosen any more."""
    choices = [
        {"name": each["name"], "text": _choice(each, currency, live=each["live"] or not size["running"])}
        for each in size["sizes"]
    ]
    present = size["instance_type"]
    if present and present not in {each["name"] for each in choices}:
        known = catalogue.instance_types.get(present)
        why = "not for you any more" if known else "gone"
        choices.insert(0, {"name": present, "text": f"{known.display_name if known else present} ({why})"})
    return choices


def _choice(size: Mapping[str, Any], currency: str, *, live: bool) -> str:
    parts = [size["display_name"], f"{size['cpu']} CPU", size["memory"]]
    if size["price_per_hour"] is not None:
        parts.append(f"{money.amount(size['price_per_hour'], currency)}/h")
    return " · ".join(parts if live else [*parts, "after a restart"])


def _image(notebook: Notebook | None, next_one: str, catalogue: Catalogue) -> dict[str, str]:
    name = notebook.image if notebook and notebook.running else next_one
    found: NotebookImage | None = catalogue.images.get(name)
    return {"name": name, "title": found.display_name if found else name}


def _notices(notebook: Notebook | None, phase: Phase, resize: Mapping[str, str] | None) -> list[str]:
    """What else a person should know about the session that runs."""
    if notebook is None or phase is not Phase.RUNNING:
        return []
    found = [] if resize is None or resize["state"] == ResizeState.APPLIED else [resize["message"]]
    found += [
        each.message
        for each in notebook.status.conditions
        if each.type in {"VolumesReady", "MembershipValid"} and not each.status
    ]
    use = notebook.memory_use
    return [*found, use.killed] if use.killed and use.killed_at >= _since(notebook) else found


def _stopping(server: Server, stop: Mapping[str, Any]) -> dict[str, Any]:
    """When it stops by itself, and for how long it can be kept."""
    at, allowed = stop["will_stop_at"], stop["idle_timeout"]
    kept = at is not None and at == stop["keep_until"]
    longer = [hours for hours in _HOURS if hours * 3600 <= stop["keep_at_most"]]
    choices = [{"name": f"{hours}h", "text": f"Keep for {idle.words(hours * 3600)}"} for hours in longer]
    usual = [{"name": _AS_USUAL, "text": "Stop as usual"}] if stop["keep_until"] else []
    if at:
        text = "Kept until" if kept else "Stops at"
    else:
        text = f"Stops {idle.words(allowed)} after the last work" if allowed else ""
    return {
        "stops_at": at or "",
        "stops_text": text,
        "idle_since": stop["idle_since"] or "",
        "keep": [{"name": "", "text": "Keep …"}, *choices, *usual] if choices and server.known else [],
        "keep_of": "Keep it",
    }


def _possible(server: Server, phase: Phase, size: Mapping[str, Any], *, startable: bool) -> dict[str, bool]:
    at_rest, runs = phase in {Phase.STOPPED, Phase.FAILED}, phase is Phase.RUNNING
    resize = size["resize"] or {}
    possible = {
        "can_start": at_rest and startable,
        "can_resize": bool(size["sizes"]),
        "can_open": runs,
        "can_cancel": phase in _STARTING,
        "can_stop": runs,
        "can_restart": runs,
        "can_delete": at_rest and bool(server.name),
        "needs_restart": runs and resize.get("state") in _ONLY_A_RESTART_HELPS,
    }
    return {deed: server.known and can for deed, can in possible.items()}
