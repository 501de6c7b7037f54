"""The application finds routes as plain Flask does, also for a host that it has seen before."""

import functools
import json

import pytest
from flask import Blueprint, Flask, Response, request

from serving.http.answers import json_response
from serving.http.application import Application

REQUESTS = [
    ("/models/digits?a=1", {}),
    ("/models/\u4e2d\u6587?q=\u00fc", {}),
    ("/models/%ff%fe?q=%ff", {}),
    ("/models/digits/", {}),
    ("//models/digits", {}),
    ("/nowhere", {}),
    ("/models/digits", {"Host": "captcha.example:8080"}),
    ("/models/digits", {"Host": "M\u00fcnchen.example".encode().decode("latin-1")}),
    ("/models/digits", {"Host": "two..dots"}),
    ("/models/digits", {"Host": f"{'a' * 70}.example"}),
    ("/models/digits", {"Host": ""}),
    ("/models/digits", {"Host": "captcha.example", "Connection": "upgrade", "Upgrade": "websocket"}),
]


def answers(app: Flask, path: str, headers: dict[str, str]) -> list[tuple[int, str]]:
    app.add_url_rule("/models/<name>", "model", lambda name: [name, request.args.get("q"), request.host])
    client = app.test_client()
    found = [client.get(path, headers=headers) for _ in range(3)]
    return [(answer.status_code, answer.get_data(as_text=True)) for answer in found]


@pytest.mark.parametrize(("path", "headers"), REQUESTS)
def test_routes_are_found_as_flask_finds_them(path: str, headers: dict[str, str]) -> None:
    assert answers(Application("a"), path, headers) == answers(Flask("a"), path, headers)


def test_answers_in_json_go_out_as_those_of_plain_flask() -> None:
    sent = []
    for app in (Application("a"), Flask("a")):
        make = json_response if isinstance(app, Application) else plain_json
        app.add_url_rule("/json", "json", functools.partial(make, {"text": "\u4e2d"}, 418))
        client = app.test_client()
        both = (client.get("/json"), client.head("/json"))
        sent += [(answer.status, sorted(answer.headers), answer.get_data()) for answer in both]
    assert sent[:2] == sent[2:]
    assert sent[1][2] == b""


def plain_json(body: object, status: int) -> Response:
    return Response(json.dumps(body, separators=(",", ":")), status, content_type="application/json")


@pytest.mark.parametrize("hook", ["before_request", "after_request", "teardown_request", "teardown_app_request"])
def test_hooks_that_would_never_be_called_are_refused(hook: str) -> None:
    app, routes = Application("a"), Blueprint("b", __name__)
    app.before_request(lambda: None)
    app.refuse_other_hooks()
    getattr(routes, hook)(lambda *_: None)
    app.register_blueprint(routes)
    with pytest.raises(TypeError, match="only before_request and after_request of the application"):
        app.refuse_other_hooks()


def test_a_client_that_makes_up_hosts_fills_no_memory() -> None:
    app = Application("a")
    app.add_url_rule("/", "root", lambda: request.host)
    client = app.test_client()
    hosts = [f"host{number}.example" for number in range(300)]
    assert [client.get("/", headers={"Host": host}).text for host in hosts] == hosts
    assert len(app._server_names) == 256
