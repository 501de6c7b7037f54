r"""The service as a WSGI application, for a server that brings its own sockets; HTTP only.

    FOUNDRY_SERVING_SECURITY_KEYS=keys.yaml PYTHONPATH=platform \
        gunicorn --workers 1 --worker-class gthread --threads 500 'serving.wsgi:application()'

One worker: each would load all models and pin and unload for itself. As many threads as `Http.Threads` would have by
itself, so that a request is refused by the service, with a reason, and not left to wait. Sockets are gunicorn's:
`Listen`, `Http.Threads` and `Http.Connections` do nothing here, and TLS is its --certfile and --keyfile.
"""

import atexit

from flask import Flask

import engine
from contract.errors import ConfigError
from serving import logs
from serving.administration import Administration
from serving.cli.serve import trial_for
from serving.daemon import assemble
from serving.faces import http_options, request_limits, tracer_for
from serving.http.app import create_app
from serving.http.facilities import Facilities
from serving.metrics import Metrics
from serving.security.gate import Gate
from serving.settings import load


def application() -> Flask:
    """Start to load models, and return the application. Settings come from the environment.

    Raises:
        ConfigError: they cannot be used; or they ask for TLS, which is the server's here; or nothing says who may ask:
            whether the server listens to a network cannot be seen from here.
    """
    settings = load()
    if settings.Tls.Certificate is not None:
        raise ConfigError("Tls", ["the WSGI server encrypts: give the files to that (gunicorn --certfile, --keyfile)"])
    if settings.Security.Keys is None and not settings.Security.AllowAnonymous:
        raise ConfigError("Security", ["set Security.Keys, or Security.AllowAnonymous if only this machine can ask"])
    logs.configure(settings.Operation.LogFormat, settings.Operation.LogLevel)
    metrics = Metrics()
    plane, lifecycle = assemble(settings, engine.open_model, meter=metrics, try_model=trial_for(settings.Models))
    metrics.watch(plane)
    facilities = Facilities(
        Gate(settings.Security), metrics, metrics, Administration(lifecycle), tracer=tracer_for(settings.Traces)
    )
    app = create_app(plane, request_limits(settings), http_options(settings), facilities)
    lifecycle.start()
    atexit.register(lifecycle.stop, settings.Operation.DrainSeconds)
    return app
