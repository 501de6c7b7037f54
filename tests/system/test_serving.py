"""The platform as a process, with the real engine: swaps under load, bad upgrades, routing, a clean end."""

import io
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import engine
from serving.answer import Hints
from serving.client import ClientError, HttpClient, RefusedError, Result
from tests.conftest import Artifact, make_artifact, small_config
from tests.system.processes import ONCE, Platform, platform
from trainer.export.publish import publish


def picture(seed: int, width: int = 48, height: int = 16) -> bytes:
    buffer = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


PICTURES = [picture(seed) for seed in range(8)]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with platform(tmp_path_factory.mktemp("platform")) as running:
        yield running


@pytest.fixture
def empty(served: Platform) -> Iterator[Platform]:
    """The running platform with nothing in its folders."""
    yield served
    for path in [*(served.folder / "model").iterdir(), *(served.folder / "graph").iterdir()]:
        path.unlink()
    served.wait_for()


def expected_texts(artifact: Artifact) -> list[str]:
    recognizer = engine.open_model(artifact.spec, artifact.graph)
    return [reading.text for reading in recognizer.read(PICTURES)]


class Asking(threading.Thread):
    """Asks without pause and keeps every answer and every failure."""

    def __init__(self, url: str, stop: threading.Event) -> None:
        super().__init__()
        self._url, self._stop_asking = url, stop
        self.answers: list[tuple[int, Result]] = []
        self.failures: list[str] = []

    def run(self) -> None:
        with HttpClient(self._url, ONCE) as client:
            number = 0
            while not self._stop_asking.is_set():
                index = number % len(PICTURES)
                number += 1
                try:
                    self.answers.append((index, client.read(PICTURES[index])))
                except ClientError as error:
                    self.failures.append(repr(error))


def test_swaps_under_load_lose_nothing_and_never_mix_versions(
    empty: Platform, artifact: Artifact, tmp_path: Path
) -> None:
    other = make_artifact(small_config(), seed=1)
    texts = {"even": expected_texts(artifact), "odd": expected_texts(other)}
    assert texts["even"] != texts["odd"]
    sources = [artifact.write(tmp_path / "even"), other.write(tmp_path / "odd")]
    publish(sources[0], empty.folder, "1.0")
    empty.wait_for(("small", "1.0"))
    stop = threading.Event()
    askers = [Asking(empty.http, stop) for _ in range(6)]
    for asker in askers:
        asker.start()
    try:
        for number in range(1, 6):
            publish(sources[number % 2], empty.folder, f"1.{number}")
            empty.wait_for(("small", f"1.{number}"))
    finally:
        stop.set()
        for asker in askers:
            asker.join()
    assert [failure for asker in askers for failure in asker.failures] == []
    for asker in askers:
        versions = [int(result.version.partition(".")[2]) for _, result in asker.answers]
        assert versions == sorted(versions)  # never back to an older one
        for index, result in asker.answers:
            kind = "odd" if int(result.version.partition(".")[2]) % 2 else "even"
            assert result.text == texts[kind][index]
    assert {result.version for asker in askers for _, result in asker.answers} >= {"1.0", "1.5"}


def test_a_bad_upgrade_leaves_the_good_version_serving(empty: Platform, artifact: Artifact, tmp_path: Path) -> None:
    publish(artifact.write(tmp_path), empty.folder, "1.0")
    empty.wait_for(("small", "1.0"))
    published = publish(artifact.write(tmp_path), empty.folder / "elsewhere", "2.0")
    whole = published.graph.read_bytes()
    (empty.folder / "graph" / published.graph.name).write_bytes(whole[: len(whole) // 2])
    shutil.copy(published.spec, empty.folder / "model")

    def state(version: str) -> list[str]:
        with HttpClient(empty.http, ONCE) as client:
            return [one.state for one in client.models() if one.version == version]

    empty.wait_until(lambda: bool(state("2.0")))
    with HttpClient(empty.http, ONCE) as client:
        assert client.ready()
        assert client.read(PICTURES[0]).version == "1.0"
    (empty.folder / "graph" / published.graph.name).write_bytes(whole)
    empty.wait_for(("small", "2.0"))
    shutil.rmtree(empty.folder / "elsewhere")


def test_two_models_are_told_apart_by_size_and_site(empty: Platform, artifact: Artifact, tmp_path: Path) -> None:
    keys: dict[str, Any] = {"ModelName": "wide", "ImageWidth": 60, "Sites": ["shop.example"]}
    wide = make_artifact(small_config(Model=keys))
    publish(artifact.write(tmp_path / "small"), empty.folder)
    publish(wide.write(tmp_path / "wide"), empty.folder)
    empty.wait_for(("small", "1.0"), ("wide", "1.0"))
    with HttpClient(empty.http, ONCE) as client:
        mixed = client.read_all([picture(0), picture(0, width=60), picture(1)])
        assert [result.model for result in mixed] == ["small", "wide", "small"]
        assert client.read(picture(0), Hints(site="shop.example")).model == "wide"
        for hints in (Hints(site="nowhere.example"), Hints(name="smal"), Hints(type="none")):
            with pytest.raises(RefusedError) as refused:
                client.read(picture(0), hints)
            assert refused.value.status == 404
        with pytest.raises(RefusedError) as refused:
            client.read(picture(0, width=99))
        assert refused.value.status == 404


def test_removed_files_are_unloaded(empty: Platform, artifact: Artifact, tmp_path: Path) -> None:
    published = publish(artifact.write(tmp_path), empty.folder)
    empty.wait_for(("small", "1.0"))
    published.spec.unlink()
    empty.wait_for()
    with HttpClient(empty.http, ONCE) as client, pytest.raises(RefusedError) as refused:
        client.read(PICTURES[0])
    assert refused.value.status == 503


def test_a_polite_kill_answers_what_was_accepted_and_resets_nobody(artifact: Artifact, tmp_path: Path) -> None:
    outcomes: list[list[str] | int] = []
    with platform(tmp_path / "platform") as served:
        publish(artifact.write(tmp_path), served.folder)
        served.wait_for(("small", "1.0"))
        ready = threading.Barrier(5)

        def ask_much() -> None:
            with HttpClient(served.http, ONCE) as client:
                client.read(PICTURES[0])  # the connection is open and known
                ready.wait()
                try:
                    outcomes.append([result.text for result in client.read_all(PICTURES * 8)])
                except RefusedError as refused:  # came in after the signal; anything else ends the thread
                    outcomes.append(int(refused.status))

        threads = [threading.Thread(target=ask_much) for _ in range(4)]
        for thread in threads:
            thread.start()
        ready.wait()
        time.sleep(0.05)
        served.stop()
        for thread in threads:
            thread.join()
    assert len(outcomes) == 4
    assert all(outcome in (503, expected_texts(artifact) * 8) for outcome in outcomes)
