"""Every long step says what it does, how far it is and how long it took: live on a terminal, as plain lines elsewhere."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress as Bars
from rich.progress import SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

# Without a terminal, a step that is still running says so this often (seconds).
REMINDER = 30.0


class Step:
    """One running step; whoever does the work tells the detail."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.detail = ""
        self.began = time.monotonic()

    def say(self, detail: str) -> None:
        """What is being done right now, in a few words."""
        self.detail = detail.strip()[:80]

    @property
    def seconds(self) -> float:
        """How long it runs."""
        return time.monotonic() - self.began


class Progress:
    """Shows the steps that run, several at once if need be."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False, soft_wrap=True)
        self._bars = Bars(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[detail]}"),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Show the step while its block runs, and a line with its time when it has ended well."""
        step = Step(title)
        task = self._bars.add_task(escape(title), detail="", total=None)
        ended = threading.Event()
        ticker = threading.Thread(target=self._tick, args=(step, task, ended), daemon=True)
        ticker.start()
        try:
            yield step
        except BaseException:
            self.console.print(f"[red]✗[/red] {escape(title)} [dim]after {elapsed(step.seconds)}[/dim]")
            raise
        else:
            self.console.print(f"[green]✓[/green] {escape(title)} [dim]{elapsed(step.seconds)}[/dim]")
        finally:
            ended.set()
            ticker.join()
            self._bars.remove_task(task)

    def _tick(self, step: Step, task: TaskID, ended: threading.Event) -> None:
        live = self.console.is_terminal
        if not live and not ended.wait(1):
            self.console.print(f"… {escape(step.title)}")
        while not ended.wait(0.2 if live else REMINDER):
            if live:
                self._bars.update(task, detail=escape(step.detail))
            else:
                self.console.print(f"… {escape(step.title)} {elapsed(step.seconds)} {escape(step.detail)}")


def elapsed(seconds: float) -> str:
    """A duration for people: 0.4 s, 12 s, 7 min 12 s."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{int(seconds) // 60} min {int(seconds) % 60} s"
