"""The promises with the real engine, without transports: bombs, swaps under load, equivalence, memory."""

import io
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import engine
from contract.files import sha256
from contract.measured import GoldenPicture
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
PAGE = 4096  # bytes; larger ones would only make it look smaller


class Real:
    """The service with the real engine and, unless it must be quick, its trial, on its own thread."""

    def __init__(self, shop: Shop, *, quick: bool = False) -> None:
        self.shop = shop
        trial = None if quick else Preflight(TrialLimits(seconds=20.0))
        self.plane: DataPlane
        self.lifecycle: Lifecycle
        values = settings(shop, Folders__ScanSeconds=0.02 if quick else 0.1, Batching__Queue=256)
        self.plane, self.lifecycle = assemble(values, engine.open_model, try_model=trial)
        self.lifecycle.start()

    def publish(self, artifact: Artifact, version: str, file: str = "small") -> None:
        model = artifact.spec.Model.model_copy(update={"Version": version})
        self.put(artifact.spec.model_copy(update={"Model": model}), artifact.graph, file)

    def put(self, spec: ModelSpec, graph: bytes, file: str) -> None:
        (self.shop.graph / spec.Graph.File).write_bytes(graph)
        (self.shop.model / f"{file}.yaml").write_bytes(dump(spec))

    def wait_for(self, title: str, state: str) -> None:
        def there() -> bool:
            return any(f"{m.name} {m.version} {m.state}" == f"{title} {state}" for m in self.plane.models())

        eventually(there, 200)

    def state(self, title: str) -> tuple[str, str]:
        return next((m.state, m.reason) for m in self.plane.models() if f"{m.name} {m.version}" == title)

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
@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("endless", "endless.pb: not done after 20 s of trial: it hangs, or is too slow"),
        ("large", "large.pb: tensorflow cannot run it: OOM"),
        ("fatal", "fatal.pb: tensorflow crashed over it"),
    ],
)
def test_a_graph_that_does_harm_is_rejected_while_others_serve_and_are_upgraded(
    real: Real, artifact: Artifact, kind: str, reason: str
) -> None:
    # T6
    real.publish(artifact, "1.0")
    real.wait_for("small 1.0", "active")
    text = real.ask(0).text
    before = resident()
    spec, graph = bomb(kind)
    real.put(spec, graph, kind)
    real.wait_for("bomb 2.0", "validating")
    real.publish(artifact, "2.0")
    real.wait_for("small 2.0", "active")
    if kind == "endless":
        assert real.state("bomb 2.0")[0] == "validating"  # it hangs, and kept nobody waiting
    until = time.monotonic() + 400  # its time stands still while it waits for a processor
    while real.state("bomb 2.0")[0] != "rejected":
        assert time.monotonic() < until, real.plane.models()
        assert real.ask(0).text == text
        assert real.plane.ready()
    assert reason in real.state("bomb 2.0")[1]
    assert resident() - before < 100  # MB
    real.publish(artifact, "3.0")  # the next one is none the worse for it
    real.wait_for("small 3.0", "active")


def misread(artifact: Artifact) -> tuple[ModelSpec, bytes]:
    golden = GoldenPicture(Picture=PICTURES[0], Text="0")
    return artifact.spec.model_copy(update={"Golden": [golden]}), artifact.graph


def other_charset(artifact: Artifact) -> tuple[ModelSpec, bytes]:
    model = artifact.spec.Model.model_copy(update={"CharSet": "ALPHANUMERIC_LOWER"})
    return artifact.spec.model_copy(update={"Model": model}), artifact.graph


def no_output(artifact: Artifact) -> tuple[ModelSpec, bytes]:
    section = artifact.spec.Graph.model_copy(update={"Logits": "nothing:0"})
    return artifact.spec.model_copy(update={"Graph": section}), artifact.graph


def with_bytes(artifact: Artifact, graph: bytes) -> tuple[ModelSpec, bytes]:
    section = artifact.spec.Graph.model_copy(update={"SHA256": sha256(graph)})
    return artifact.spec.model_copy(update={"Graph": section}), graph


def corrupt(artifact: Artifact) -> tuple[ModelSpec, bytes]:
    return with_bytes(artifact, bytes(100) + artifact.graph[100:])  # further on it might only change weights


def forbidden(artifact: Artifact) -> tuple[ModelSpec, bytes]:
    import tensorflow as tf  # noqa: PLC0415 - the artifact has set it up

    graph = tf.compat.v1.GraphDef.FromString(artifact.graph)
    graph.node.add(name="thief", op="ReadFile")
    return with_bytes(artifact, graph.SerializeToString())


BAD = {
    misread: "picture 1 reads .* instead of '0'",
    other_charset: "the graph tells 11 classes apart, but the character set of the YAML has 37",
    no_output: r"the tensor 'nothing:0' \(Graph.Logits\) is not in the graph",
    corrupt: "not a TensorFlow graph, or cut off",
    forbidden: r"the operation ReadFile \(node 'thief'\) is not on the list",
}


@pytest.mark.slow
def test_bad_upgrades_are_rejected_for_the_right_reason_and_change_nothing(real: Real, artifact: Artifact) -> None:
    # T6
    real.publish(artifact, "1.0")
    real.wait_for("small 1.0", "active")
    texts = [real.ask(index).text for index in range(8)]
    for number, (spoil, reason) in enumerate(BAD.items(), start=2):
        spec, graph = spoil(artifact)
        model = spec.Model.model_copy(update={"Version": f"{number}.0"})
        section = spec.Graph.model_copy(update={"File": "next.pb"})
        real.put(spec.model_copy(update={"Model": model, "Graph": section}), graph, "next")
        real.wait_for(f"small {number}.0", "rejected")
        assert re.search(reason, real.state(f"small {number}.0")[1]), (spoil, real.plane.models())
        assert [real.ask(index).text for index in range(8)] == texts
        assert real.ask(0).version == "1.0"
        assert real.plane.ready()
    real.publish(artifact, "9.0", "next")
    real.wait_for("small 9.0", "active")


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
@pytest.mark.timeout(1500)
def test_five_hundred_swaps_leave_nothing_behind(shop: Shop, artifact: Artifact) -> None:
    # T11
    real = Real(shop, quick=True)

    def swap(numbers: range) -> tuple[float, int, int]:
        for number in numbers:
            real.publish(artifact, f"1.{number}")
            real.wait_for(f"small 1.{number}", "active")
            real.ask(number % len(PICTURES))
        eventually(lambda: [m.state for m in real.plane.models()].count("draining") == 0, 30)
        return resident(), len(list(Path("/proc/self/fd").iterdir())), threading.active_count()

    before, after = swap(range(1, 21)), swap(range(21, 501))
    real.lifecycle.stop(30)
    assert after[1:] == before[1:]  # files and threads
    assert after[0] - before[0] < max(50, 0.05 * before[0])  # MB


def resident() -> float:
    """Resident memory of this process in MB; 0 where it cannot be known."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * PAGE / 2**20 if statm.exists() else 0.0
