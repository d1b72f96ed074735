"""Outputs that change later, which jupyter-server-nbmodel leaves out: an updated display, and clear_output(wait=True).

It stands in place of the library's own hook, and hands everything else on to it.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import nbformat

_MOST_DISPLAYS = 1000

Hook = Callable[[list[Any], Any, Any, dict[str, Any]], None]


class Outputs:
    """All cells of all kernels."""

    def __init__(self, hook: Hook) -> None:
        self._hook = hook
        # by the client's session and the display's own name: the outputs of a cell, and which of them it is
        self._displays: OrderedDict[tuple[str, str], tuple[Any, int]] = OrderedDict()

    def __call__(self, outputs: list[Any], cell: Any, stream: Any, message: dict[str, Any]) -> None:  # noqa: ANN401
        """One message of the kernel, for ``cell`` in the document if there is one."""
        if cell is None:
            self._hook(outputs, cell, stream, message)
            return
        with cell.doc.transaction():
            self._hear(outputs, cell, stream, message)

    def _hear(self, outputs: list[Any], cell: Any, stream: Any, message: dict[str, Any]) -> None:  # noqa: ANN401
        kind, content = message["header"]["msg_type"], message["content"]
        if kind == "clear_output" and content.get("wait"):
            stream.clear_next = True
            return
        if kind in {"display_data", "stream", "execute_result", "error"} and _clears(stream):
            clear = {**message, "header": {**message["header"], "msg_type": "clear_output"}, "content": {}}
            self._hook(outputs, cell, stream, clear)
        name = content.get("transient", {}).get("display_id")
        key = (str(message.get("parent_header", {}).get("session")), str(name))
        if kind == "update_display_data":
            self._update(key, message)
            return
        self._hook(outputs, cell, stream, message)
        if name is not None and len(cell["outputs"]):
            self._displays[key] = (cell["outputs"], len(cell["outputs"]) - 1)
            if len(self._displays) > _MOST_DISPLAYS:
                self._displays.popitem(last=False)

    def _update(self, key: tuple[str, str], message: dict[str, Any]) -> None:
        shown, index = self._displays.get(key, ((), 0))
        if index >= len(shown) or not hasattr(shown[index], "get"):
            return  # the cell has been cleared since
        before = shown[index]
        if before.get("output_type") not in {"display_data", "execute_result"}:
            return
        display = {**message, "header": {**message["header"], "msg_type": "display_data"}}
        fresh = nbformat.v4.output_from_msg(display)
        with shown.doc.transaction():
            shown[index] = {**before, "data": fresh["data"], "metadata": fresh["metadata"]}


def _clears(stream: Any) -> bool:  # noqa: ANN401
    """Whether what comes now replaces what is shown; asked once."""
    if getattr(stream, "clear_next", False):
        stream.clear_next = False
        return True
    return False
