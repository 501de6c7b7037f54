import random
import re
from pathlib import Path

import pytest

from contract import image
from trainer import parallel
from trainer.dataset.synth import Drawing, draw, generate
from trainer.errors import UsageError
from trainer.progress import Silent

DIGITS = Drawing(tuple("0123456789"), (4, 4), (160, 60), seed=1)


def written(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_pictures_have_the_asked_size_and_a_label_in_their_name(tmp_path: Path) -> None:
    drawing = Drawing(tuple("abc"), (2, 5), (100, 40), seed=3)
    generate(tmp_path, 30, drawing, workers=1, progress=Silent())
    files = written(tmp_path)
    assert len(files) == 30
    labels = [name.split("_")[0] for name in files]
    assert {len(label) for label in labels} == {2, 3, 4, 5}
    assert all(re.fullmatch(r"[abc]{2,5}_[0-9a-f]{12}\.png", name) for name in files)
    assert {image.decode(content).size for content in files.values()} == {(100, 40)}


def test_a_seed_gives_the_same_files_with_any_number_of_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate(tmp_path / "one", 20, DIGITS, workers=1, progress=Silent())
    monkeypatch.setattr(parallel, "WORTH_SECONDS", -1)
    monkeypatch.setattr(parallel, "CHUNK", 3)
    generate(tmp_path / "two", 20, DIGITS, workers=2, progress=Silent())
    assert written(tmp_path / "one") == written(tmp_path / "two")


def test_more_pictures_keep_the_first_ones_and_a_second_run_adds_none(tmp_path: Path) -> None:
    generate(tmp_path, 5, DIGITS, workers=1, progress=Silent())
    first = written(tmp_path)
    generate(tmp_path, 5, DIGITS, workers=1, progress=Silent())
    assert written(tmp_path) == first
    generate(tmp_path, 8, DIGITS, workers=1, progress=Silent())
    assert len(written(tmp_path)) == 8
    assert first.items() <= written(tmp_path).items()


def test_another_seed_and_another_number_give_other_pictures() -> None:
    others = Drawing(DIGITS.symbols, DIGITS.lengths, DIGITS.size, seed=2)
    drawn = {draw(number, drawing)[1] for number in range(20) for drawing in (DIGITS, others)}
    assert len(drawn) == 40


def test_the_random_numbers_of_others_are_left_alone() -> None:
    random.seed(5)
    expected = random.random()
    random.seed(5)
    draw(0, DIGITS)
    assert random.random() == expected


def test_every_symbol_is_drawn() -> None:
    labels = "".join(draw(number, DIGITS)[0] for number in range(100))
    assert set(labels) == set("0123456789")
    assert max(labels.count(digit) for digit in "0123456789") < 80


def test_symbols_that_no_file_name_can_hold_are_refused(tmp_path: Path) -> None:
    drawing = Drawing(("a", "/", "_"), (1, 1), (60, 40), seed=0)
    with pytest.raises(UsageError, match="'/' '_'"):
        generate(tmp_path / "new", 1, drawing, workers=1, progress=Silent())
    assert not (tmp_path / "new").exists()
