"""Which run of a model goes to a core of its own, and which to the time that nothing else wants.

No clock here: the time is told.

With a run on every core the threads of the transports wait for cores and find their caches emptied: on 2 cores with 8
clients a fifth of the time nobody computed, though there was work. So the last run of a model goes to a thread that
computes only while a core has nothing else to do (`engine.sessions`): 7 to 20 % more is answered so, with a lower p99.
Where the machine has no such time, that run would never end: then it is taken back, and for some time all runs are
usual ones.

All runs of a model that is flooded go there while another one is asked now and then, whose pictures then find a core at
once. Beside usual runs of a flooded model a quiet one's took 22 to 35 ms at the 99th percentile, and so 16 to 21; it
costs the flooded one up to a third of its answers.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.reading import Reads
from serving.runs import Run
from serving.ticket import Item

FIRST_REST = 0.5  # seconds without runs in spare time, after one that got none
LONGEST_REST = 64.0
PATIENCE = 6.0  # times as long as a usual run: then it is taken back
IMPATIENCE = 1.5  # the same, when it is known that there is no more such time
SLOW = 4.0  # times as long as usual runs, in the mean of the last ones: then the usual way is better
FLOOD = 4  # times as many pictures waiting as a model has itself
NOW_AND_THEN = 1.0  # seconds since another model was asked
CROWD = 2  # pictures for each run that a model may have: with more of them there are many who ask
CROWDED_SECONDS = 0.3  # since there was a crowd
_MEAN_OF = 16  # runs, about
STUCK_SECONDS = 1.0  # a usual run that takes so long waits for nothing that comes soon


class SpareTime:
    """Whether a model may hope for some, as far as is known; one object for all models. Safe from many threads.

    Args:
        busy: whether a version is being tried or loaded, which takes all there is.
    """

    def __init__(self, busy: Callable[[], bool] = lambda: False) -> None:
        self._busy = busy
        self._until = float("-inf")
        self._rest = FIRST_REST
        self._lock = threading.Lock()
        self._waiting: dict[str, int] = {}  # pictures, of the models that have some
        self._asked: dict[str, float] = {}  # when it was; only those that were lately

    def there(self, now: float, model: str) -> bool:
        """Whether a run of a model may hope for some: not beside a flooded one, which takes all there is."""
        if now < self._until or self._busy():
            return False
        with self._lock:
            return max(self._waiting.values(), default=0) <= FLOOD * max(1, self._waiting.get(model, 0))

    def others_are_asked(self, now: float, model: str, waiting: int) -> bool:
        """Whether another model has been asked lately, for which far fewer pictures wait than for this one."""
        with self._lock:
            return any(
                other != model and now - at < NOW_AND_THEN and FLOOD * self._waiting.get(other, 0) <= waiting
                for other, at in self._asked.items()
            )

    def note(self, now: float, model: str, waiting: int) -> None:
        """Note that a model has been asked, and how many of its pictures wait."""
        with self._lock:
            self._asked = {one: at for one, at in self._asked.items() if now - at < NOW_AND_THEN} | {model: now}
            if waiting:
                self._waiting[model] = waiting
            else:
                self._waiting.pop(model, None)

    def missed(self, now: float) -> None:
        """Note that there was none. If there had been some for less long than the last rest, the next one is longer."""
        if now >= self._until:
            soon = now - self._until < self._rest
            self._rest = min(LONGEST_REST, 2 * self._rest) if soon else FIRST_REST
            self._until = now + self._rest


@dataclass(frozen=True)
class Aside:
    """Spare time for one version of a model.

    Attributes:
        read: reads there.
        time: whether there is some.
        model: name of the model: a version that takes over from another one is not asked beside it.
    """

    read: Reads
    time: SpareTime
    model: str


class Shares:
    """The runs of one version of a model that are under way; under the lock of whoever keeps it.

    Args:
        runs: how many there may be.
        queue: pictures that may wait.
        spare: for the last run; None if it is a usual one as well.
    """

    def __init__(self, runs: int, queue: int, spare: Aside | None) -> None:
        self._runs = runs
        self._queue = queue
        self._spare = spare
        self._usual: list[Run] = []  # the oldest first
        self._aside: Run | None = None
        self._crowded_at = float("-inf")
        self._slowness = 1.0  # of runs in spare time, in times of usual ones
        self._pace = 0.0  # seconds that a usual run took for each picture; 0 before there was one

    def allows(self, waiting: int, now: float, called: int = 0) -> bool:
        """Whether a usual run should begin, with so many pictures that wait, beside so many that are about to."""
        if not waiting or self._yields(waiting, now):
            return False
        return len(self._usual) + called < self._runs - self._has_spare(now)

    def allows_aside(self, waiting: int, now: float) -> bool:
        """Whether a run in spare time should begin, with so many pictures that wait.

        Not with a single one while usual runs have more, or while there are many who ask: the rest of them are about to
        come, and two together cost less than one after the other. To wait while there are many changed what 8 clients
        on 2 cores were answered by -1 to 9 % in float32 and by 3 to 14 % in bfloat16. Where nothing runs, what waits is
        for a usual run.
        """
        if self._aside or not waiting or not self._has_spare(now):
            return False
        if self._yields(waiting, now):
            return True
        if not self._usual:
            return False
        alone = _pictures(self._usual) == len(self._usual) and now - self._crowded_at > CROWDED_SECONDS
        return waiting >= (1 if alone else 2) or now - self._usual[0].since > STUCK_SECONDS

    def note(self, waiting: int, now: float) -> None:
        """Note how many pictures wait: whenever a worker has looked, so that no flood is remembered that is over."""
        runs = [*self._usual, self._aside] if self._aside else self._usual
        if waiting + _pictures(runs) > CROWD * self._runs:
            self._crowded_at = now
        if self._spare:
            self._spare.time.note(now, self._spare.model, waiting)

    def begin(self, run: Run) -> None:
        """Note a run."""
        if run.aside:
            self._aside = run
        else:
            self._usual.append(run)

    def end(self, run: Run, now: float) -> None:
        """Note its end."""
        if run.aside:
            self._aside = None
            if self._spare and not run.lost:
                times = min(PATIENCE, self._times_usual(run, now))
                self._slowness += (times - self._slowness) / _MEAN_OF
                if self._slowness > SLOW:
                    self._miss(self._spare, now)
        else:
            self._usual.remove(run)
            self._pace = (now - run.since) / len(run.items)

    def take_back(self, now: float) -> Sequence[Item]:
        """Return the pictures of a run in spare time that lasts too long; they are to be read as usual."""
        run = self._aside
        if not (run and self._spare) or run.lost:
            return ()
        hopes = self._spare.time.there(now, self._spare.model)
        if self._times_usual(run, now) < (PATIENCE if hopes else IMPATIENCE):
            return ()
        run.lost = True
        if hopes:
            self._miss(self._spare, now)
        return run.items

    def _times_usual(self, run: Run, now: float) -> float:
        return (now - run.since) / (self._pace * len(run.items))

    def _miss(self, spare: Aside, now: float) -> None:
        spare.time.missed(now)
        self._slowness = 1.0  # forgotten, when it is tried again

    def _yields(self, waiting: int, now: float) -> bool:
        if self._spare is None or waiting <= self._queue // 2 or not self._has_spare(now):
            return False
        return self._spare.time.others_are_asked(now, self._spare.model, waiting)

    def _has_spare(self, now: float) -> bool:
        is_lost = self._aside is not None and self._aside.lost  # its thread is still there, and gets no time
        if self._spare is None or self._pace == 0 or is_lost:
            return False
        return self._spare.time.there(now, self._spare.model)


def _pictures(runs: Sequence[Run]) -> int:
    return sum(len(run.items) for run in runs)
