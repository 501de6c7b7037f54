"""`python -m serving`: watch the folders and answer requests until told to stop."""

import logging
import sys
from collections.abc import Sequence

import engine
from contract.errors import ConfigError
from engine.preflight import Preflight
from serving import logs, open_files
from serving.cli import flags
from serving.core_settings import ModelsSection
from serving.daemon import Daemon, assemble
from serving.events import Events
from serving.loading import NoTrial, TryModel
from serving.security.addresses import loopback
from serving.settings import Settings
from serving.signals import Signals, hearing

_log = logging.getLogger(__name__)

_DESCRIPTION = "Answer pictures with text over HTTP and gRPC, with the models that lie in two folders."
_EPILOG = """\
examples:
  python -m serving
  python -m serving --graph out/digits/graph --model out/digits/model --port 19951 --port 19952 --grpc-port off
  python -m serving --config platform.yaml --show-config

other commands (each has its own --help):
  check    load and prove what is in the folders, without serving
  key      make an API key
  ask      send pictures to a running service and print what it reads
  load     put a load on a running service and write down how it fares
  captcha-source   hand out pictures with their truth, to practise against

Every key has a variable too: Listen.GrpcPort is FOUNDRY_SERVING_LISTEN_GRPC_PORT. Flags win over variables, variables
over --config. SIGTERM and Ctrl-C finish what was accepted; a second one ends at once. SIGHUP looks at the folders now.
"""

SWITCH_SECONDS = 0.0005
"""After which a thread of Python lets another one run. Each of the threads that work for a flooded model may hold the
interpreter for so long, and a request for a quiet model needs it about six times. Python's own choice is 5 ms."""


def run(words: Sequence[str]) -> int:
    """Run the service until it is told to stop; raises ConfigError and OSError with a sentence."""
    arguments = flags.parser("python -m serving", _DESCRIPTION, _EPILOG).parse_args(words)
    settings = flags.settings_of(arguments)
    if flags.shown(arguments, settings):
        return 0
    check_folders(settings)
    check_openness(settings)
    logs.configure(settings.Operation.LogFormat, settings.Operation.LogLevel)
    # Imported here, so that --help and usage errors need neither Flask nor gRPC.
    from serving.faces import build  # noqa: PLC0415
    from serving.metrics import Metrics  # noqa: PLC0415

    metrics = Metrics()
    plane, lifecycle = assemble(settings, engine.open_model, meter=metrics, try_model=trial_for(settings.Models))
    faces = build(settings, plane, lifecycle, metrics)
    daemon = Daemon(settings.Operation, plane, lifecycle, faces.transports)
    sys.setswitchinterval(SWITCH_SECONDS)
    open_files.allow(2 * settings.Http.Connections + open_files.SPARE)  # as many at each of the two transports
    folders = [settings.Folders.Graph, settings.Folders.Model]
    with Signals(daemon.rescan) as signals:
        daemon.start()
        for address in faces.addresses:
            sys.stdout.write(f"listening on {address}\n")
        sys.stdout.flush()
        with Events(folders if settings.Folders.Events else [], lifecycle.wake):
            signals.wait()
            hearing(daemon.stop)
    _log.info("stopped")
    return 0


def trial_for(models: ModelsSection) -> TryModel:
    """Return what tries models, as the settings want it; whoever takes it closes it."""
    return Preflight(models.trial) if models.Preflight else NoTrial()


def check_folders(settings: Settings) -> None:
    """Refuse to start on folders that are not there.

    Raises:
        ConfigError: with both, if both are missing.
    """
    folders = {"--graph": settings.Folders.Graph, "--model": settings.Folders.Model}
    missing = [
        f"{flag} {path}: there is no such folder; make it, or name another"
        for flag, path in folders.items()
        if not path.is_dir()
    ]
    if missing:
        raise ConfigError("folders", missing)


def check_openness(settings: Settings) -> None:
    """Refuse to be open to a network without keys, unless that is wanted.

    Raises:
        ConfigError: it is so, and nobody said that it should be.
    """
    security, host = settings.Security, settings.Listen.Host
    if security.Keys is None and not security.AllowAnonymous and not loopback(host):
        raise ConfigError(
            "Security",
            [
                f"Listen.Host is {host}, where others can ask, and there are no keys: name a file in Security.Keys "
                "(`python -m serving key` makes one), or say --allow-anonymous"
            ],
        )
