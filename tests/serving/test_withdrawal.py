import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import grpc
import pytest

from serving import withdrawal
from serving.answer import Hints
from serving.errors import DeadlineError
from serving.metering import NoMeter
from serving.rpc.options import RpcOptions
from serving.rpc.server import RpcServer
from serving.wire.recognizer_pb2 import PredictRequest
from serving.wire.recognizer_pb2_grpc import PredictStub
from tests.serving.fake_engine import FakeEngine
from tests.serving.rig import Service, Shop, eventually, picture


@pytest.fixture
def busy(service_for: Callable[..., Service], shop: Shop, engine: FakeEngine) -> Iterator[Service]:
    """A service of which the only worker is held up by the picture of gray 1, until the engine's gate opens."""
    service = service_for(Batching__MaxBatch=1)
    shop.publish()
    service.step()
    engine.reader("digits1.0").orders["gate"] = True
    first = threading.Thread(target=service.plane.recognize, args=([picture(1)], Hints()))
    first.start()
    eventually(lambda: engine.reader("digits1.0").running == 1)
    engine.reader("digits1.0").batches.clear()
    yield service
    engine.gate.set()
    first.join(20)


class Counting(NoMeter):
    def __init__(self) -> None:
        self.predicted: list[str] = []

    def request(self, protocol: str, route: str, status: str, seconds: float) -> None:  # noqa: ARG002 - as its base has it
        if route == "predict":
            self.predicted.append(status)


def waiting(service: Service) -> int:
    return sum(queue.waiting for queue in service.plane.queues())


def test_pictures_of_a_client_that_has_gone_are_not_run(busy: Service, engine: FakeEngine) -> None:
    client = withdrawal.Withdrawal()
    errors: list[Exception] = []

    def ask() -> None:
        with withdrawal.entered(client), pytest.raises(DeadlineError) as caught:
            busy.plane.recognize([picture(2), picture(3)], Hints())
        errors.append(caught.value)

    asker = threading.Thread(target=ask)
    asker.start()
    eventually(lambda: waiting(busy) == 2)
    client.withdraw()
    asker.join(10)
    assert errors
    engine.gate.set()
    eventually(lambda: engine.reader("digits1.0").running == 0)
    assert engine.reader("digits1.0").batches == []


def test_a_client_that_went_before_its_pictures_were_queued(busy: Service) -> None:
    client = withdrawal.Withdrawal()
    client.withdraw()
    with withdrawal.entered(client), pytest.raises(DeadlineError):
        busy.plane.recognize([picture(2)], Hints())


def test_an_answered_request_has_nothing_left_to_withdraw() -> None:
    done: list[int] = []
    client = withdrawal.Withdrawal()
    with withdrawal.entered(client):
        withdrawal.when_withdrawn(lambda: done.append(1))
    client.withdraw()
    withdrawal.when_withdrawn(lambda: done.append(2))  # of no request
    assert done == []


def test_grpc_calls_that_were_cancelled_are_not_run(busy: Service, engine: FakeEngine) -> None:
    meter = Counting()
    server = RpcServer(busy.plane, "127.0.0.1", 0, options=RpcOptions(meter=meter))
    server.start()
    with ExitStack() as stack:
        stack.callback(server.stop, 5.0)
        channel = stack.enter_context(grpc.insecure_channel(f"127.0.0.1:{server.port}"))
        stub = PredictStub(channel)
        request = PredictRequest(pictures=[picture(2)])
        calls = [stub.predict.future(request) for _ in range(6)]
        stream = stub.predict_stream(iter([request]))
        eventually(lambda: waiting(busy) == 7)
        for call in [*calls, stream]:
            call.cancel()
        eventually(lambda: waiting(busy) == 0)
        engine.gate.set()
        assert stub.predict(PredictRequest(pictures=[picture(3)])).result == "digits1.0-3"
    assert engine.reader("digits1.0").batches == [1]
    assert Counter(meter.predicted) == {"CANCELLED": 6, "OK": 1}
