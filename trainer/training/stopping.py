"""When training ends. Pure: the loop asks after each reading of the test set, and after each step for the clock."""

from dataclasses import dataclass

from trainer.config import TrainsSection


@dataclass(frozen=True)
class Standing:
    """How far a training is.

    Attributes:
        epoch: that has been completed, counted from 1.
        accuracy: newest whole-text accuracy on the whole test set, 0..1.
        loss: newest mean loss in nats over the whole test set.
        since_best: readings of the test set since the best one.
        minutes: that training has taken, earlier parts of an interrupted run included.
    """

    epoch: int
    accuracy: float
    loss: float
    since_best: int
    minutes: float


def reason_to_stop(trains: TrainsSection, standing: Standing) -> str | None:
    """Return why training ends now, as a sentence, or None."""
    if reached(trains, standing):
        goals = _goals(trains, standing)
        return f"{' and '.join(goals)} {'is' if len(goals) == 1 else 'are'} reached in epoch {standing.epoch}"
    if trains.Patience is not None and standing.since_best >= trains.Patience:
        return f"no better reading of the test set in the last {standing.since_best} (Patience)"
    if out_of_time(trains, standing.minutes):
        return f"MaxMinutes {trains.MaxMinutes:g} are over"
    return None


def reached(trains: TrainsSection, standing: Standing) -> bool:
    """Return whether the config has goals and all are reached."""
    goals = _goals(trains, standing).values()
    return bool(goals) and all(goals) and standing.epoch >= (trains.EndEpochs or 1)


def out_of_time(trains: TrainsSection, minutes: float) -> bool:
    """Return whether MaxMinutes are over."""
    return trains.MaxMinutes is not None and minutes >= trains.MaxMinutes


def _goals(trains: TrainsSection, standing: Standing) -> dict[str, bool]:
    """Return each goal of the config, and whether it is reached."""
    goals = {}
    if trains.EndAcc is not None:
        goals[f"EndAcc {trains.EndAcc:.2%}"] = standing.accuracy >= trains.EndAcc
    if trains.EndCost is not None:
        goals[f"EndCost {trains.EndCost:g}"] = standing.loss <= trains.EndCost
    return goals
