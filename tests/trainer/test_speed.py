"""The arithmetic of `bench`, and measuring for real what a small model takes."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import engine
from tests.conftest import Artifact
from trainer.cli.root import main
from trainer.errors import TrainerError
from trainer.export import speed
from trainer.export.measure import Candidate, Job, Loaded, Worker, per_second, percentiles
from trainer.export.speed import Speed

LOADED = Loaded(10, 20, 300)


def measured(name: str, rounds: Sequence[tuple[float, float]]) -> Speed:
    return Speed(
        name,
        "onnx" in name,
        "bfloat16" if "16" in name else "float32",
        LOADED,
        (1, 2, 3),
        {(1, 1): 100.0, (8, 2): 200.0},
        rounds,
    )


def test_percentiles_are_milliseconds() -> None:
    assert percentiles([number / 1000 for number in range(1, 102)]) == pytest.approx((51, 96, 100))


@pytest.mark.parametrize(
    ("seconds", "job", "expected"),
    [([0.5, 0.5], Job(1), 2), ([0.5, 0.5], Job(8), 16), ([1.0, 1.0, 1.0, 1.0], Job(1, callers=2), 2)],
)
def test_pictures_per_second(seconds: list[float], job: Job, expected: float) -> None:
    assert per_second(seconds, job) == pytest.approx(expected)


def test_ratios_are_medians_of_turns_against_the_best_rival() -> None:
    ours = measured("ours", [(2, 100), (3, 300), (40, 10)])
    slow = measured("onnx slow", [(8, 50), (8, 50), (80, 5)])
    fast = measured("onnx fast", [(4, 50), (4, 100), (40, 10)])
    latency, throughput = speed.ratios([ours, slow, fast])[0]
    assert (latency, throughput) == (0.75, 2)
    assert speed.ratios([ours, slow, fast])[2] == (1, 1)
    assert speed.ratios([ours]) == []


def test_the_table_has_a_line_for_each_and_the_ratios_last() -> None:
    speeds = [measured("ours", [(2, 100)]), measured("onnx", [(4, 50)])]
    lines = speed.table(speeds).splitlines()
    assert lines[0].split()[-2:] == ["latency", "throughput"]
    assert lines[1].split() == ["ours", "10", "20", "300", "1.00", "2.00", "3.00", "100", "200", "0.50", "2.00"]
    assert "onnxruntime" not in speed.table(speeds[:1])


def test_the_json_can_be_written() -> None:
    tree = json.loads(json.dumps(speed.as_json([measured("ours", [(2, 100)]), measured("onnx", [(4, 50)])])))
    assert tree[0]["against_onnxruntime"] == {"latency": 0.5, "throughput": 2}
    assert tree[0]["pictures_per_second"][1] == {"batch": 8, "callers": 2, "value": 200}


def test_the_yaml_keeps_the_best_of_its_own_arithmetic() -> None:
    fast = Speed("other", False, "float32", LOADED, (0.5, 4, 5), {(1, 1): 150.0}, [(1, 1)])
    narrow = Speed("16", False, "bfloat16", LOADED, (0.1, 0.2, 0.3), {(1, 1): 999.0}, [(1, 1)])
    kept = speed.summary([measured("ours", [(2, 100)]), fast, narrow, measured("onnx", [(0, 1)])], "float32", "this")
    assert (kept.Latency, kept.PicturesPerSecond, kept.Machine) == ([0.5, 4, 5], 200, "this")


def test_a_model_that_was_not_exported_cannot_be_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("model.yaml").write_text(
        "System: {TrainsPath: x}\nModel: {ModelName: a, CharSet: NUMERIC, ImageWidth: 48, ImageHeight: 16}\n"
    )
    assert main(["bench", "model.yaml"]) == 1
    assert "a_1.0.pb is missing: train the model first" in capsys.readouterr().err


@pytest.mark.slow
def test_candidates_are_measured_in_processes_of_their_own(artifact: Artifact, tmp_path: Path) -> None:
    spec = artifact.write(tmp_path)
    chosen = [
        Candidate(name, spec, tmp_path / "graph" / "small_1.0.pb", threads)
        for name, threads in (("one", engine.LATENCY), ("two", engine.THROUGHPUT))
    ]
    pixels = np.zeros((4, 16, 48, 1), np.uint8)
    told: list[int] = []
    speeds = speed.compare(chosen, pixels, 2, 1, told.append)
    assert [item.name for item in speeds] == ["one", "two"]
    assert sum(told) == 2 * len(speed.jobs(2))
    for item in speeds:
        assert set(item.per_second) == {(1, 1), (8, 1), (32, 1), (1, 2), (8, 2)}
        assert min(item.per_second.values()) > 0
        assert item.latency[0] <= item.latency[1] <= item.latency[2]


@pytest.mark.slow
def test_what_cannot_be_loaded_is_named(artifact: Artifact, tmp_path: Path) -> None:
    path = tmp_path / "cut.pb"
    path.write_bytes(artifact.graph[:1000])
    candidate = Candidate("the cut one", artifact.write(tmp_path), path)
    with (
        pytest.raises(TrainerError, match=r"the cut one: DigestError: .*SHA-256"),
        Worker(candidate, np.zeros((1, 16, 48, 1), np.uint8)) as worker,
    ):
        worker.loaded()
