"""`python -m serving check`: load and prove every version in the folders, without serving."""

import sys
from collections.abc import Sequence
from contextlib import closing
from functools import partial

import engine
from engine.pauses import no_pause
from serving.cli import flags
from serving.cli.serve import check_folders, trial_for
from serving.core_settings import BatchingSection
from serving.loading import LoadModel, NoTrial, TryModel, load, read
from serving.repository import Candidate, Scan, scan
from serving.settings import Settings
from serving.states import State

_DESCRIPTION = "Load every version in the folders, read its golden pictures, and print what is wrong; serve nothing."
_EPILOG = """\
example:
  python -m serving check --graph out/digits/graph --model out/digits/model

Ends with code 0 if every version could serve, and 1 if one could not.
"""


def run(words: Sequence[str]) -> int:
    """Check the folders; raises ConfigError when they or the settings cannot be used."""
    arguments = flags.parser("python -m serving check", _DESCRIPTION, _EPILOG).parse_args(words)
    settings = flags.settings_of(arguments)
    if flags.shown(arguments, settings):
        return 0
    check_folders(settings)
    with closing(trial_for(settings.Models)) as try_model:
        return check(settings, engine.open_model, try_model)


def check(settings: Settings, load_model: LoadModel, try_model: TryModel) -> int:
    """Print a line for each version in the folders, and return the exit code."""
    folders = settings.Folders
    # What two scans in a row see alike has settled; files that are written at this very moment are reported as such.
    seen = scan(folders.Graph, folders.Model, scan(folders.Graph, folders.Model, Scan()))
    problems = [*seen.degraded]
    for sentence in seen.degraded:
        sys.stdout.write(f"BAD  {sentence}\n")
    for candidate in seen.candidates:
        problem = _prove(candidate, load_model, settings.Batching, try_model)
        problems += [problem] if problem else []
        title = f"{candidate.file}: {candidate.name} {candidate.version}".rstrip()
        sys.stdout.write(f"{'BAD ' if problem else 'good'} {title}{': ' + problem if problem else ''}\n")
    if not seen.candidates:
        sys.stdout.write(f"there is no model YAML in {folders.Model}\n")
    return 1 if problems else 0


def _prove(candidate: Candidate, load_model: LoadModel, batching: BatchingSection, try_model: TryModel) -> str:
    if candidate.stage is not State.DISCOVERED:
        return f"{candidate.stage}: {candidate.reason}"
    try:
        spec, graph = read(candidate)
        try_model(spec, graph, batching.MaxBatch, yielding=False)
        tried = not isinstance(try_model, NoTrial)
        open_model = partial(load_model, threads=batching.layout, pause=no_pause)
        load(spec, graph, open_model, batching, lambda _state, _reason: None, tried=tried).close()
    except Exception as error:  # noqa: BLE001 - the command reports whatever is wrong, and goes on with the next
        return str(error) or type(error).__name__
    return ""
