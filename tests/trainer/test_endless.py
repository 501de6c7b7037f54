"""Pictures without end: the same ones whoever draws them, whenever, and however many do."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contract import image
from contract.errors import ConfigError
from tests.conftest import small_config
from trainer import parallel
from trainer.config import TrainConfig
from trainer.dataset import endless, manifest, pack
from trainer.dataset.curriculum import curriculum_of, skipped
from trainer.dataset.endless import Drawn, Endless, drawing_of, held_out, source_of
from trainer.dataset.scan import scan
from trainer.dataset.synth import generate, label_of
from trainer.dataset.verify import verify
from trainer.errors import SourceError
from trainer.progress import Silent


def config_of(**keys: Any) -> TrainConfig:
    system = {"TrainsPath": "synthetic", "TestSetNum": 12, "Seed": 7, "Threads": 1, **keys.pop("System", {})}
    return small_config(System=system, Synthetic={"Length": [2, 3], **keys.pop("Synthetic", {})}, **keys)


def drawn(source: Endless, numbers: range, batch_size: int = 5) -> list[tuple[str, bytes]]:
    found = [
        (label, pixels.tobytes())
        for batch in source.batches(numbers, batch_size)
        for label, pixels in zip(batch.labels, batch.pixels, strict=True)
    ]
    assert len(found) == len(numbers)
    return found


@pytest.fixture(scope="module")
def pictures() -> list[tuple[str, bytes]]:
    """The first 23 pictures of the config, from one worker."""
    return drawn(replace(source_of(config_of()), workers=1), range(23))


def test_training_sees_what_synth_writes_with_the_same_seed(tmp_path: Path, pictures: list[tuple[str, bytes]]) -> None:
    config = config_of()
    generate(tmp_path, 23, drawing_of(config), workers=1, progress=Silent())
    written = [
        (path.name.split("_")[0], image.to_pixels(path.read_bytes(), config.Pretreatment, config.input_size).tobytes())
        for path in tmp_path.iterdir()
    ]
    assert sorted(written) == sorted(pictures)


def test_any_number_of_workers_from_any_number_on_draws_the_same(pictures: list[tuple[str, bytes]]) -> None:
    source = replace(source_of(config_of()), workers=2)
    assert drawn(source, range(23), batch_size=4) == pictures
    assert drawn(source, range(9, 23)) == pictures[9:]
    assert source.labels(23, 0) == [label for label, _ in pictures]


def test_the_test_set_has_other_pictures_and_the_same_ones_each_time(pictures: list[tuple[str, bytes]]) -> None:
    config = config_of()
    samples = held_out(config)
    assert [sample.label for sample in samples] == [sample.label for sample in held_out(config)]
    contents = [sample.content.read() for sample in samples]
    assert contents == [sample.content.read() for sample in samples]
    read = {image.to_pixels(content, config.Pretreatment, config.input_size).tobytes() for content in contents}
    assert len(read) == 12
    assert not read & {pixels for _, pixels in pictures}


VERY_MANY = "".join(chr(0x4E00 + index) for index in range(2000))
MANY = VERY_MANY[:400]


def test_many_symbols_come_behind_few_of_them() -> None:
    config = config_of(Model={"CharSet": MANY})
    source = source_of(config)
    labels = [label_of(number, source.drawing) for number in range(11_900, 12_100)]
    few, all_of_them = set("".join(labels[:100])), set("".join(labels[100:]))
    assert few <= set(MANY[::4])
    assert not all_of_them <= set(MANY[::4])
    assert source.labels(100, 12_000) == labels[100:]
    assert source.labels(40_000, 11_999)[-100:] == labels[:100]
    assert (source.symbols(11_999), source.symbols(12_000)) == (100, 400)
    assert not {*label_of(0, drawing_of(config, "test")), *label_of(1, drawing_of(config, "test"))} <= set(MANY[::4])


@pytest.mark.parametrize(
    ("symbols", "asked", "epochs", "pictures"),
    [
        (MANY[:300], None, None, 0),
        (MANY[:301], None, None, 9_030),
        (VERY_MANY, None, None, 30_000),
        (MANY, None, 2, 10_000),
        (MANY, 0, None, 0),
        (MANY, 12, 2, 12),
        (MANY[:10], 12, None, 12),
    ],
)
def test_how_long_training_begins_with_few(symbols: str, asked: int | None, epochs: int | None, pictures: int) -> None:
    config = config_of(Model={"CharSet": symbols}, Synthetic={"Curriculum": asked}, Trains={"MaxEpochs": epochs})
    assert curriculum_of(config) == pictures


def test_what_reads_already_begins_with_all_symbols_and_its_config_stays_readable() -> None:
    drawn, asked, files = config_of(Model={"CharSet": MANY}), config_of(Synthetic={"Curriculum": 7}), small_config()
    assert curriculum_of(skipped(drawn)) == 0
    assert skipped(asked) is asked
    assert skipped(files).Synthetic is files.Synthetic  # which may have no section Synthetic


def modules_of_worker(_: Sequence[int]) -> set[str]:
    import sys  # noqa: PLC0415 - of the worker

    return {name.partition(".")[0] for name in sys.modules}


def test_a_worker_that_has_drawn_has_imported_no_framework() -> None:
    source = source_of(config_of())
    with parallel.processes(1) as pool:
        assert isinstance(pool.submit(endless._render, range(2), source).result(), Drawn)
        modules = pool.submit(modules_of_worker, range(1)).result()
    assert "captcha" in modules
    assert not modules & {"tensorflow", "keras", "jax"}


def test_what_goes_wrong_in_a_worker_is_raised_here() -> None:
    source = source_of(config_of())
    broken = replace(source, drawing=replace(source.drawing, fonts=("gone.ttf",)))
    with pytest.raises(OSError, match="cannot open resource"):
        next(broken.batches(range(10), 5))


def test_the_test_set_is_verified_and_packed_as_any_other(tmp_path: Path) -> None:
    config = config_of()
    found = scan(config)
    assert (found.endless, len(found.train), len(found.test)) == (True, 0, 12)
    assert not verify(config, Silent()).errors
    packed = pack.prepare(config, Silent(), root=tmp_path)
    assert packed.endless
    assert packed.counts == {"train": 0, "test": 12}
    test = packed.load("test")
    assert sorted(test.labels) == sorted(sample.label or "" for sample in found.test)
    np.testing.assert_array_equal(
        test.pixels[0], image.to_pixels(test.encoded[0], config.Pretreatment, config.input_size)
    )
    assert pack.prepare(config, Silent(), root=tmp_path).fingerprint == packed.fingerprint


def test_an_own_test_set_stays_what_it_is(tmp_path: Path) -> None:
    generate(tmp_path, 5, drawing_of(config_of(System={"Seed": 1})), workers=1, progress=Silent())
    found = scan(config_of(System={"TestPath": str(tmp_path), "TestSetNum": None}))
    assert found.endless
    assert len(found.test) == 5


@pytest.mark.parametrize(
    "keys",
    [{"System": {"Seed": 8}}, {"Synthetic": {"Length": 2}}, {"Synthetic": {"FontSizes": [14]}}],
    ids=str,
)
def test_the_fingerprint_tells_generators_apart(keys: dict[str, Any]) -> None:
    recipes = [manifest.recipe_of(config) for config in (config_of(), config_of(**keys))]
    assert manifest.fingerprint(recipes[0], []) != manifest.fingerprint(recipes[1], [])


def test_other_versions_of_the_packages_make_another_set(monkeypatch: pytest.MonkeyPatch) -> None:
    before = manifest.fingerprint(manifest.recipe_of(config_of()), [])
    monkeypatch.setattr("importlib.metadata.version", lambda _: "99")
    assert manifest.fingerprint(manifest.recipe_of(config_of()), []) != before


def test_sets_of_files_keep_the_fingerprint_that_they_had() -> None:
    recipe = manifest.recipe_of(small_config())
    old = {key: value for key, value in recipe.model_dump().items() if key != "Drawn"}
    assert manifest.Recipe.model_validate(old) == recipe
    assert manifest.fingerprint(recipe, []) == hashlib.sha256(json.dumps([old, []]).encode()).hexdigest()


def test_a_font_without_the_symbols_is_refused() -> None:
    config = config_of(Model={"CharSet": "0中文"})
    with pytest.raises(SourceError, match=r"own font lacks 2 of 3 symbols .* \(中 文\)"):
        scan(config)


@pytest.mark.parametrize(("content", "message"), [(None, "cannot be read"), (b"no font", "no font that can be drawn")])
def test_a_font_that_cannot_be_used_is_named(tmp_path: Path, content: bytes | None, message: str) -> None:
    font = tmp_path / "font.ttf"
    if content:
        font.write_bytes(content)
    with pytest.raises(SourceError, match=message):
        scan(config_of(Synthetic={"Fonts": [str(font)]}))


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"System": {"TrainsPath": ["synthetic", "data"]}}, "stands alone"),
        ({"System": {"TrainsPath": "data/synthetic"}}, "section Synthetic is given"),
        ({"Synthetic": {"Length": [6, 4]}}, r"give \[4, 6\]"),
        ({"Synthetic": {"Length": 40}}, "32"),
        ({"Model": {"ImageHeight": 10}}, "48x10"),
        (
            {"NeuralNet": {"Head": "CrossEntropy", "MaxLabelNum": 2}},
            "labels of 3 symbols, but NeuralNet.MaxLabelNum is 2",
        ),
    ],
    ids=str,
)
def test_what_cannot_be_meant_is_refused(sections: dict[str, dict[str, Any]], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        config_of(**sections)


def test_labels_that_the_frames_have_no_room_for_are_refused_before_anything_is_drawn() -> None:
    config = config_of(Synthetic={"Length": [2, 32]})
    with pytest.raises(
        SourceError, match=r"labels of 32 symbols, which need up to 63 frames, .* widen the pictures to"
    ):
        scan(config)
