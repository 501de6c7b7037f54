"""The promises with the real engine, without transports: bombs, swaps under load, equivalence, memory."""

import io
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import engine
from contract.spec import ModelSpec, dump
from engine.preflight import Preflight, TrialLimits
from serving.answer import Answer, Hints
from serving.daemon import assemble
from serving.dataplane import DataPlane
from serving.lifecycle import Lifecycle
from tests.conftest import Artifact, make_artifact, small_config
from tests.engine.bombs import bomb
from tests.serving.rig import Shop, eventually, settings


def picture(seed: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (16, 48), np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


PICTURES = [picture(seed) for seed in range(64)]


class Real:
    """The service with the real engine and its trial, on its own thread."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.trial = Preflight(TrialLimits(seconds=20.0))
        self.plane: DataPlane
        self.lifecycle: Lifecycle
        values = settings(shop, Folders__ScanSeconds=0.1, Batching__Queue=256)
        self.plane, self.lifecycle = assemble(values, engine.open_model, try_model=self.trial)
        self.lifecycle.start()

    def publish(self, artifact: Artifact, version: str) -> None:
        model = artifact.spec.Model.model_copy(update={"Version": version})
        self.put(artifact.spec.model_copy(update={"Model": model}), artifact.graph, "small")

    def put(self, spec: ModelSpec, graph: bytes, file: str) -> None:
        (self.shop.graph / spec.Graph.File).write_bytes(graph)
        (self.shop.model / f"{file}.yaml").write_bytes(dump(spec))

    def wait_for(self, title: str, state: str) -> None:
        def there() -> bool:
            return any(f"{m.name} {m.version} {m.state}" == f"{title} {state}" for m in self.plane.models())

        eventually(there, 90)

    def ask(self, index: int) -> Answer:
        (answer,) = self.plane.recognize([PICTURES[index]], Hints())
        return answer


@pytest.fixture
def real(shop: Shop) -> Iterator[Real]:
    service = Real(shop)
    yield service
    service.lifecycle.stop(30)


def expected(artifact: Artifact) -> list[str]:
    recognizer = engine.open_model(artifact.spec, artifact.graph)
    texts = [recognizer.read([content])[0].text for content in PICTURES]
    recognizer.close()
    return texts


def test_single_batched_and_shuffled_pictures_read_alike(real: Real, artifact: Artifact) -> None:
    # T15
    real.publish(artifact, "1.0")
    real.wait_for("small 1.0", "active")
    texts = expected(artifact)
    assert len(set(texts)) > 10
    rng = np.random.default_rng(0)
    for size in [1, 2, 3, 7, 31, 32, 33, 64]:
        order = rng.permutation(len(PICTURES))[:size]
        answers = real.plane.recognize([PICTURES[index] for index in order], Hints())
        assert [answer.text for answer in answers] == [texts[index] for index in order]
    answers_of: dict[int, str] = {}

    def ask(index: int) -> None:
        answers_of[index] = real.ask(index).text

    threads = [threading.Thread(target=ask, args=[index]) for index in range(len(PICTURES))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answers_of[index] for index in range(len(PICTURES))] == texts


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["endless", "large", "fatal"])
def test_a_graph_that_does_harm_is_rejected_while_the_good_one_serves(
    real: Real, artifact: Artifact, kind: str
) -> None:
    # T6
    real.publish(artifact, "1.0")
    real.wait_for("small 1.0", "active")
    text = real.ask(0).text
    spec, graph = bomb(kind)
    real.put(spec, graph, kind)
    until = time.monotonic() + 60
    while not any(m.name == "bomb" and m.state == "rejected" for m in real.plane.models()):
        assert time.monotonic() < until, real.plane.models()
        assert real.ask(0).text == text
        assert real.plane.ready()
    real.publish(artifact, "2.0")  # the next one is none the worse for it
    real.wait_for("small 2.0", "active")


@pytest.mark.slow
def test_thirty_swaps_under_load_lose_nothing_and_never_mix_versions(real: Real, artifact: Artifact) -> None:
    # T1
    other = make_artifact(small_config(), seed=1)
    texts = [expected(artifact), expected(other)]
    assert texts[0] != texts[1]
    real.publish(artifact, "1.0")
    real.wait_for("small 1.0", "active")
    stop = threading.Event()
    wrong: list[str] = []
    counts: list[int] = []

    def ask_on(seed: int) -> None:
        rng = np.random.default_rng(seed)
        last = asked = 0
        while not stop.is_set():
            index = int(rng.integers(len(PICTURES)))
            try:
                answer = real.ask(index)
            except Exception as error:  # noqa: BLE001 - a lost request is what this test looks for
                wrong.append(repr(error))
                continue
            number = int(answer.version.partition(".")[2])
            asked += 1
            if answer.text != texts[number % 2][index] or number < last:
                wrong.append(f"{answer} after 1.{last}")
            last = number
        counts.append(asked)

    askers = [threading.Thread(target=ask_on, args=[seed]) for seed in range(6)]
    for asker in askers:
        asker.start()
    try:
        for number in range(1, 31):
            real.publish([artifact, other][number % 2], f"1.{number}")
            real.wait_for(f"small 1.{number}", "active")
    finally:
        stop.set()
        for asker in askers:
            asker.join()
    assert wrong == []
    assert min(counts) > 30


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="looks into /proc")
def test_swaps_leave_nothing_behind(real: Real, artifact: Artifact) -> None:
    # T11, in small; benchmarks/serving.py does 500
    def swap(numbers: range) -> tuple[int, int, int]:
        for number in numbers:
            real.publish(artifact, f"1.{number}")
            real.wait_for(f"small 1.{number}", "active")
            real.ask(number % len(PICTURES))
        eventually(lambda: [m.state for m in real.plane.models()].count("draining") == 0, 30)
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * 4096 // 2**20, len(list(Path("/proc/self/fd").iterdir())), threading.active_count()

    before, after = swap(range(1, 21)), swap(range(21, 61))
    assert after[1:] == before[1:]  # files and threads
    assert after[0] - before[0] < 50  # MB
