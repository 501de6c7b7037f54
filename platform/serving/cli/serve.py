"""`python -m serving`: watch the folders and answer requests until told to stop."""

import sys
from collections.abc import Callable, Sequence

import engine
from contract.errors import ConfigError
from serving import logs
from serving.cli import flags
from serving.daemon import Daemon, Transport, assemble, run_until_signal
from serving.settings import Settings

_DESCRIPTION = "Answer pictures with text over HTTP and gRPC, with the models that lie in two folders."
_EPILOG = """\
examples:
  python -m serving
  python -m serving --graph out/digits/graph --model out/digits/model --port 19951 --port 19952 --grpc-port off
  python -m serving --config platform.yaml --show-config

other commands (each has its own --help):
  check    load and prove what is in the folders, without serving

Every key has a variable too: Listen.GrpcPort is FOUNDRY_SERVING_LISTEN_GRPC_PORT. Flags win over variables, variables
over --config. SIGTERM and Ctrl-C finish what was accepted; a second one ends at once. SIGHUP looks at the folders now.
"""


def run(words: Sequence[str]) -> int:
    """Run the service until it is told to stop; raises ConfigError and OSError with a sentence."""
    arguments = flags.parser("python -m serving", _DESCRIPTION, _EPILOG).parse_args(words)
    settings = flags.settings_of(arguments)
    if flags.shown(arguments, settings):
        return 0
    check_folders(settings)
    logs.configure(settings.Operation.LogFormat, settings.Operation.LogLevel)
    daemon, addresses = _assemble(settings)
    daemon.start()
    for address in addresses():
        sys.stdout.write(f"listening on {address}\n")
    sys.stdout.flush()
    run_until_signal(daemon)
    return 0


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


def _assemble(settings: Settings) -> tuple[Daemon, Callable[[], list[str]]]:
    # Imported here, so that --help and usage errors need neither Flask nor gRPC.
    from serving.http.server import HttpServer  # noqa: PLC0415
    from serving.pictures import RequestLimits  # noqa: PLC0415
    from serving.rpc.server import RpcServer  # noqa: PLC0415

    listen = settings.Listen
    limits = RequestLimits(
        max_body_bytes=settings.Limits.RequestBytes,
        max_pictures=settings.Limits.PicturesPerRequest,
        max_picture_bytes=settings.Limits.PictureBytes,
        max_seconds=settings.Limits.RequestSeconds,
    )
    plane, lifecycle = assemble(settings, engine.open_model)
    http = HttpServer(plane, listen.Host, listen.Ports, limits)
    rpc = None if listen.GrpcPort == "off" else RpcServer(plane, listen.Host, listen.GrpcPort, limits)
    host = f"[{listen.Host}]" if ":" in listen.Host else listen.Host

    def addresses() -> list[str]:
        return [f"http://{host}:{port}" for port in http.ports] + ([f"grpc://{host}:{rpc.port}"] if rpc else [])

    transports: list[Transport] = [http] if rpc is None else [http, rpc]
    return Daemon(settings.Operation, plane, lifecycle, transports), addresses
