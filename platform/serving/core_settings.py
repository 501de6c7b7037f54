"""Settings of the core: folders, addresses, models, batches, limits, the way it runs."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator

import engine
from contract import image
from contract.spec import Name, VersionText
from contract.strict import StrictModel
from engine.preflight import TrialLimits
from engine.threads import cores

Folder = Annotated[Path, Field(strict=False)]
Port = Annotated[int, Field(ge=0, le=65535)]
Seconds = Annotated[float, Field(gt=0, le=86400)]
Count = Annotated[int, Field(ge=1)]

MOST_RUNS = 8  # of one model, if nothing is said: Python decodes no more pictures than these can read

LAYOUTS = {"latency": engine.LATENCY, "sequential": engine.SEQUENTIAL, "throughput": engine.THROUGHPUT}


class FoldersSection(StrictModel):
    """Section `Folders`: where models come from.

    Attributes:
        Graph: folder of .pb files; relative to the folder that the command runs in, as `trainer publish` has it.
        Model: folder of their YAMLs, likewise.
        ScanSeconds: pause between two looks at them.
        Events: whether file events wake the next look, where the package watchdog is installed.
    """

    Graph: Folder = Path("platform/graph")
    Model: Folder = Path("platform/model")
    ScanSeconds: Seconds = 1.0
    Events: bool = True


class ListenSection(StrictModel):
    """Section `Listen`: addresses.

    Attributes:
        Host: address to listen on; the default takes requests from this machine only.
        Ports: of HTTP; 0 takes any free port.
        GrpcPort: 0 takes any free port, `off` none at all.
    """

    Host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    Ports: Annotated[list[Port], Field(min_length=1)] = [19951]
    GrpcPort: Port | Literal["off"] = 50054

    @field_validator("GrpcPort", mode="before")
    @classmethod
    def _off_is_a_word(cls, value: object) -> object:
        return "off" if value is False else value  # YAML reads a bare `off` as false


class ModelsSection(StrictModel):
    """Section `Models`: which versions serve, and who answers what.

    Attributes:
        Default: model for pictures whose size no model has; empty for none.
        Pinned: model to the one version that is to serve, whatever else is there.
        Keep: how many earlier versions stay loaded beside the active one, ready to take over at once.
        Priority: model to a number; decides between models that suit a request equally, higher first.
        Preflight: whether a version is tried in a process of its own first, where it can crash or hang.
        PreflightAtOnce: versions that are tried at the same time, each of another model: while one hangs, the others
            go on.
        PreflightSeconds: how long a trial may take; on Linux without the time that it waits for a processor.
        PreflightBytes: memory that it may take there; held on Linux only.
    """

    Default: Name | Literal[""] = ""
    Pinned: dict[Name, VersionText] = {}
    Keep: Annotated[int, Field(ge=0, le=16)] = 0
    Priority: dict[Name, int] = {}
    Preflight: bool = True
    PreflightAtOnce: Annotated[int, Field(ge=1, le=16)] = 3
    PreflightSeconds: Seconds = TrialLimits().seconds
    PreflightBytes: Count = TrialLimits().memory

    @property
    def trial(self) -> TrialLimits:
        """The limits of a trial, as the engine wants them."""
        return TrialLimits(self.PreflightSeconds, self.PreflightBytes)


class BatchingSection(StrictModel):
    """Section `Batching`: how waiting pictures of a model are put together.

    Attributes:
        MaxBatch: pictures in one run of a graph.
        MaxDelayMs: how long a run may wait for more pictures; 0 takes what is waiting.
        Queue: pictures that may wait for one model; more are refused at once.
        Workers: runs of one model at the same time; `auto` for as many as there are cores, at most 8, where `Threads`
            keeps each run on one, else 1.
        Threads: `throughput` keeps each run on one core, which answers the most, and leaves the last one to the time
            that nothing else wants (`serving.spare`); `latency` shares all cores out inside each run, for a machine
            with more cores than requests; `sequential` does so as well, one operation after the other.
    """

    MaxBatch: Annotated[int, Field(ge=1, le=1024)] = 16
    MaxDelayMs: Annotated[float, Field(ge=0, le=1000)] = 0.0
    Queue: Count = 128
    Workers: Annotated[int, Field(ge=1, le=64)] | Literal["auto"] = "auto"
    Threads: Literal["latency", "sequential", "throughput"] = "throughput"

    @property
    def runs(self) -> int:
        """How many runs of one model there may be at the same time."""
        if self.Workers != "auto":
            return self.Workers
        return min(cores(), MOST_RUNS) if self.Threads == "throughput" else 1

    @property
    def most_at_one_model(self) -> int:
        """How many pictures a model can hold, waiting and running."""
        return self.Queue + self.MaxBatch * self.runs

    @property
    def layout(self) -> engine.Threads:
        """How models share the cores, as the engine wants it."""
        return replace(LAYOUTS[self.Threads], spare=self.Threads == "throughput" and self.runs > 1)


class LimitsSection(StrictModel):
    """Section `Limits`: what a request may cost.

    Attributes:
        RequestBytes: of a whole request, as it is sent.
        PictureBytes: of one picture file.
        PicturePixels: width x height of one picture.
        PicturesPerRequest: at most as many as `Batching.Queue`.
        BytesInFlight: picture bytes of all requests that are being answered.
        RequestSeconds: a request whose work has not been started by then is given up.
    """

    RequestBytes: Count = 8 * 1024 * 1024
    PictureBytes: Count = image.DEFAULT_LIMITS.max_bytes
    PicturePixels: Count = image.DEFAULT_LIMITS.max_pixels
    PicturesPerRequest: Count = 64
    BytesInFlight: Count = 64 * 1024 * 1024
    RequestSeconds: Seconds = 30.0

    @property
    def picture(self) -> image.Limits:
        """The limits of one picture, as the contract wants them."""
        return image.Limits(self.PictureBytes, self.PicturePixels)


class OperationSection(StrictModel):
    """Section `Operation`: logs, and the way out.

    Attributes:
        DrainDelaySeconds: how long to go on listening after "not ready"; some load balancers need 5.
        DrainSeconds: how long accepted requests may take to finish at the end.
        LogFormat: lines for people, or JSON for programs.
        LogLevel: the least important kind of line to print.
    """

    DrainDelaySeconds: Annotated[float, Field(ge=0, le=600)] = 0.0
    DrainSeconds: Seconds = 30.0
    LogFormat: Literal["text", "json"] = "text"
    LogLevel: Literal["debug", "info", "warning", "error"] = "info"
