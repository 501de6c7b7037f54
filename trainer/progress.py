"""What is going on, for a person: a bar with speed and time left on a terminal, a line now and then elsewhere."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.progress import Task as BarTask

LINE_EVERY_SECONDS = 10.0


class Steps(Protocol):
    """One piece of work under way."""

    def advance(self, count: int = 1) -> None:
        """Say that so many more are done."""

    def note(self, text: str) -> None:
        """Show a short text beside the bar, such as loss and accuracy; it replaces the last one."""


class Progress(Protocol):
    """Where work reports to."""

    def say(self, sentence: str) -> None:
        """Show one sentence that stays."""

    def steps(self, title: str, total: int, unit: str = "pictures") -> AbstractContextManager[Steps]:
        """Show a bar while work with `total` steps is done; `unit` is what its speed counts."""


class Silent:
    """Reports nothing: for tests, and for programs that use the trainer as a library."""

    def say(self, sentence: str) -> None:
        """Do nothing."""

    @contextmanager
    def steps(self, title: str, total: int, unit: str = "pictures") -> Iterator[Steps]:  # noqa: ARG002 - the protocol
        """Yield steps that do nothing."""
        yield _SilentSteps()


class Terminal:
    """Reports on standard error: bars if that is a terminal, else a line every ten seconds and one at the end."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True, highlight=False)

    def say(self, sentence: str) -> None:
        """Print the sentence above any bar."""
        self._console.print(sentence, markup=False, soft_wrap=True)

    @contextmanager
    def steps(self, title: str, total: int, unit: str = "pictures") -> Iterator[Steps]:
        """Yield steps that move a bar, or print lines."""
        if not self._console.is_terminal:
            lines = _LineSteps(self._console, title, total, unit)
            yield lines
            lines.finish()
            return
        with _bars(self._console, unit) as bars:
            yield _BarSteps(bars, bars.add_task(title, total=total, note=""))


class _SilentSteps:
    def advance(self, count: int = 1) -> None:
        pass

    def note(self, text: str) -> None:
        pass


class _BarSteps:
    def __init__(self, bars: Bars, task: TaskID) -> None:
        self._bars = bars
        self._task = task

    def advance(self, count: int = 1) -> None:
        self._bars.advance(self._task, count)

    def note(self, text: str) -> None:
        self._bars.update(self._task, note=text)


class _LineSteps:
    def __init__(self, console: Console, title: str, total: int, unit: str) -> None:
        self._console = console
        self._title, self._total, self._unit = title, total, unit
        self._done = 0
        self._note = ""
        self._started = self._printed = time.monotonic()

    def advance(self, count: int = 1) -> None:
        self._done += count
        if time.monotonic() - self._printed >= LINE_EVERY_SECONDS:
            self._print()

    def note(self, text: str) -> None:
        self._note = text

    def finish(self) -> None:
        self._print()

    def _print(self) -> None:
        self._printed = time.monotonic()
        speed = self._done / max(self._printed - self._started, 1e-9)
        left = f", {(self._total - self._done) / speed:.0f} s left" if 0 < self._done < self._total else ""
        line = f"{self._title}: {self._done:,}/{self._total:,}, {speed:,.0f} {self._unit}/s{left}  {self._note}"
        self._console.print(line.rstrip(), markup=False, soft_wrap=True)


class _Speed(TextColumn):
    """Mean speed over the last seconds, in the unit of the work."""

    def __init__(self, unit: str) -> None:
        super().__init__("")
        self._unit = unit

    def render(self, task: BarTask) -> str:  # type: ignore[override] # any renderable may be returned, a str is one
        speed = task.finished_speed or task.speed
        return f"{speed:,.0f} {self._unit}/s" if speed else ""


def _bars(console: Console, unit: str) -> Bars:
    return Bars(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        _Speed(unit),
        TimeRemainingColumn(compact=True, elapsed_when_finished=True),
        TextColumn("{task.fields[note]}", markup=False),
        console=console,
    )
