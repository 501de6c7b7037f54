import dataclasses
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from contract.pretreatment import Fitting
from contract.strict import parse_yaml, validate
from trainer.config import NeuralNetSection, TrainConfig
from trainer.dataset.config_file import as_yaml, render
from trainer.dataset.looks import choose_channels, edges_lost_in_gray
from trainer.dataset.propose import (
    BEFORE_COPY,
    BEFORE_DOT,
    BEFORE_LAST_DOT,
    BEFORE_UNDERSCORE,
    Proposal,
    choose_regex,
    choose_resize,
    choose_size,
    longest_of,
    numbers_in_a_row,
    propose,
)
from trainer.errors import SourceError
from trainer.network.geometry import frames

WritePictures = Callable[[Path, Iterable[str]], list[Path]]

WIDE = NeuralNetSection()


@pytest.mark.parametrize(
    ("names", "regex"),
    [
        (["0042_a1.png", "17_b.png"], BEFORE_UNDERSCORE),
        (["0042.png", "17.png"], BEFORE_DOT),
        (["0042.a1b2.png", "17.0.png"], BEFORE_DOT),
        (["0042.1.png", "1700.2.png"], BEFORE_DOT),
        (["42.1699999999.png", "17.1700000001.png"], BEFORE_DOT),
        (["15.5.png", "2.0.png", "17.png"], BEFORE_LAST_DOT),
        (["15.5_a.png", "2.0_b.png"], BEFORE_UNDERSCORE),
        (["x_y.png", "17.png", "18.png"], BEFORE_DOT),
        (["17.png", "18.png", "17_1.png"], BEFORE_COPY),
        (["17.png", "18.png", "17 (1).png"], BEFORE_COPY),
        (["17.png", "18.png", "a (1).png"], BEFORE_DOT),
        (["17 (1).png", "18 (2).png"], BEFORE_DOT),
        ([*[f"{number}_x.png" for number in range(19)], "odd.png"], BEFORE_UNDERSCORE),
    ],
)
def test_the_label_pattern(names: list[str], regex: str) -> None:
    assert choose_regex(names) == regex


def test_copies_have_the_labels_of_what_they_copy(tmp_path: Path, write_pictures: WritePictures) -> None:
    write_pictures(tmp_path, ["17.png", "18.png", "19.png", "17_1.png", "18 (1).png", "19_12.png"])
    proposal = propose(tmp_path)
    assert (proposal.symbols, proposal.lengths) == (tuple("1789"), (2, 2))


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        ([f"{number:04}" for number in range(7, 40)], ("0007", "0039")),
        ([f"{number}" for number in range(7, 26)], None),  # nineteen may be a chance
        ([f"{number}" for number in range(0, 100, 3)], None),
        ([*map(str, range(30)), "29"], None),
        ([*map(str, range(30)), "a"], None),
    ],
)
def test_labels_that_only_number_their_files(labels: list[str], found: tuple[str, str] | None) -> None:
    assert numbers_in_a_row(labels) == numbers_in_a_row(labels[::-1]) == found


@pytest.mark.parametrize(
    ("size", "longest", "expected"),
    [
        ((160, 60), 4, None),
        ((70, 30), 4, None),
        ((200, 50), 5, None),
        ((28, 28), 1, None),
        ((60, 20), 4, (84, 28)),  # too low
        ((60, 40), 8, (93, 62)),  # 24 frames need 93 pixels
        ((600, 200), 4, (192, 64)),  # larger than text needs
        ((400, 400), 30, (357, 357)),  # shrunk only as far as the label allows
    ],
)
def test_the_size_that_the_network_sees(size: tuple[int, int], longest: int, expected: tuple[int, int] | None) -> None:
    assert choose_resize(size, longest, WIDE) == expected
    assert frames(WIDE, (expected or size)[0]) >= 3 * longest


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([(160, 60)] * 5, ((160, 60), "stretch")),
        ([(160, 60)] * 96 + [(60, 60)] * 4, ((160, 60), "stretch")),  # too few to matter
        ([(160, 60)] * 5 + [(320, 120), (165, 60)], ((160, 60), "stretch")),  # nearly the same form
        ([(100, 40)] * 3 + [(60, 40), (180, 40)], ((180, 40), "pad")),
        ([(100, 40)] * 3 + [(360, 80)], ((180, 40), "pad")),  # as wide as that at the height of most
        ([(100, 40)] * 150 + [(200, 40)] * 149 + [(4000, 40)], ((200, 40), "pad")),  # one is no measure for all
        ([(2 * height + 9, height) for height in range(20, 61)] + [(49, 20)], ((89, 40), "stretch")),  # no two alike
    ],
)
def test_pictures_of_many_forms_keep_them(
    sizes: list[tuple[int, int]], expected: tuple[tuple[int, int], Fitting]
) -> None:
    assert choose_size(sizes) == expected


BLACK, WHITE, RED, AS_BRIGHT = (0, 0, 0), (255, 255, 255), (255, 0, 0), (0, 130, 0)


def text_on_ground(text: tuple[int, int, int], ground: tuple[int, int, int]) -> Any:
    pixels = np.full((20, 40, 3), ground, np.uint8)
    pixels[5:15, 6:36:4] = text
    return pixels


@pytest.mark.parametrize(
    ("text", "ground", "least", "most"),
    [
        (BLACK, WHITE, 0.0, 0.0),
        ((30, 30, 120), (240, 240, 245), 0.0, 0.0),
        (RED, AS_BRIGHT, 1.0, 1.0),
        ((90, 90, 90), (90, 90, 90), 0.0, 0.0),  # nothing to lose
    ],
)
def test_what_gray_loses(text: tuple[int, int, int], ground: tuple[int, int, int], least: float, most: float) -> None:
    assert least <= edges_lost_in_gray(text_on_ground(text, ground)) <= most


def test_text_that_gray_loses_is_found_behind_a_black_line_and_in_a_frame() -> None:
    for text, channels in ((RED, 3), (BLACK, 1)):
        pixels = text_on_ground(text, AS_BRIGHT)
        pixels[9] = BLACK
        pixels[[0, -1]] = pixels[:, 0] = BLACK
        assert choose_channels([edges_lost_in_gray(pixels)]) == channels


def test_one_symbol_that_gray_loses_is_found_among_others() -> None:
    lost, kept = text_on_ground(RED, AS_BRIGHT), text_on_ground(BLACK, WHITE)
    assert choose_channels([edges_lost_in_gray(np.concatenate([kept, kept, lost, kept], axis=1))]) == 3
    assert choose_channels([edges_lost_in_gray(np.concatenate([kept] * 4, axis=1))]) == 1


def test_a_dot_that_gray_loses_beside_the_text_costs_nothing() -> None:
    dot = text_on_ground(AS_BRIGHT, AS_BRIGHT)
    dot[8:11, 20:23] = RED
    pixels = np.concatenate([text_on_ground(BLACK, AS_BRIGHT), dot, dot], axis=1)
    assert choose_channels([edges_lost_in_gray(pixels)]) == 1


def test_speckles_of_all_colours_cost_no_black_text() -> None:
    pixels = text_on_ground(BLACK, WHITE).astype(int) + np.random.default_rng(0).integers(-60, 60, (20, 40, 3))
    assert choose_channels([edges_lost_in_gray(pixels.clip(0, 255).astype(np.uint8))]) == 1


def test_colour_is_chosen_where_many_pictures_need_it() -> None:
    assert choose_channels([0.0] * 10) == 1
    assert choose_channels([0.0] * 99 + [1.0]) == 1
    assert choose_channels([0.0] * 9 + [1.0]) == 3  # a tenth that nobody could read
    assert choose_channels([0.0] * 7 + [0.5] * 3) == 3


@pytest.mark.parametrize(
    ("lengths", "longest"), [([4] * 10, 4), ([4] * 500 + [29], 4), ([4] * 500 + [6], 6), ([1, 2, 30], 30), ([0, 3], 3)]
)
def test_a_name_that_is_no_label_makes_no_picture_wider(lengths: list[int], longest: int) -> None:
    assert longest_of(lengths) == longest


def test_a_folder_is_read_as_it_is(tmp_path: Path, write_pictures: WritePictures) -> None:
    write_pictures(tmp_path, [f"{number:04}_a.png" for number in range(0, 10_000, 111)])
    (tmp_path / "1_broken.png").write_bytes(b"no picture")
    Image.new("RGB", (9, 9)).save(tmp_path / "1_other.png")
    proposal = propose(tmp_path)
    assert (proposal.regex, proposal.charset, proposal.size) == (BEFORE_UNDERSCORE, "NUMERIC", (48, 16))
    assert (proposal.resize, proposal.channels, proposal.lengths) == ((84, 28), 1, (1, 4))
    assert (proposal.pictures, proposal.symbols) == (93, tuple("0123456789"))
    assert proposal.other_sizes == pytest.approx(1 / 92)


def test_a_folder_of_colour_is_seen(tmp_path: Path) -> None:
    for number in range(4):
        pixels = np.full((20, 40, 3), (0, 130, 0), np.uint8)
        pixels[5:15, 10 + number : 30] = (255, 0, 0)
        Image.fromarray(pixels).save(tmp_path / f"{number}_x.png")
    assert propose(tmp_path).channels == 3


def test_white_on_nothing_is_not_put_onto_white(tmp_path: Path) -> None:
    for number in range(4):
        pixels = np.zeros((20, 40, 4), np.uint8)
        pixels[5:15, 10 + number : 30] = 255
        Image.fromarray(pixels).save(tmp_path / f"{number}_x.png")
    proposal = propose(tmp_path)
    assert not proposal.on_white
    config = validate(TrainConfig, parse_yaml(render(proposal, "white", tmp_path, Path("x.yaml")), "x"), "x")
    assert not config.Pretreatment.ReplaceTransparent


def test_a_file_that_may_hold_the_labels_is_told(tmp_path: Path, write_pictures: WritePictures) -> None:
    write_pictures(tmp_path, ["1_a.png", "2_b.png"])
    (tmp_path / "labels.csv").write_text("1_a.png,1\n", encoding="utf-8")
    assert propose(tmp_path).passed_over == (".csv",)


def test_thousands_of_symbols_get_more_units() -> None:
    symbols = tuple(map(chr, range(0x4E00, 0x4E00 + 600)))
    many = Proposal(BEFORE_DOT, "".join(symbols), (48, 16), "stretch", None, 1, 9, (1, 4), symbols, 0.0)
    assert (many.hidden, dataclasses.replace(many, symbols=symbols[:10]).hidden) == (128, 64)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda _: None, "no picture in"),
        (lambda folder: (folder / "_x.png").write_bytes(b""), "no label in names such as"),
        (lambda folder: (folder / "1_x.png").write_bytes(b""), r"none of .* can be read; the first: \S+"),
        (
            lambda folder: Image.new("L", (5000, 60)).save(folder / "1_x.png"),
            "pictures of 5000x60: cut them to at most",
        ),
        (lambda folder: [(folder / f"img_{n}.png").write_bytes(b"") for n in "12"], "would have the label 'img'"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path: Path, make: Callable[[Path], object], message: str) -> None:
    make(tmp_path)
    with pytest.raises(SourceError, match=message):
        propose(tmp_path)


def test_a_folder_may_have_the_name_that_has_pictures_drawn() -> None:
    proposal = Proposal(BEFORE_DOT, "NUMERIC", (48, 16), "stretch", None, 1, 9, (1, 4), tuple("0123"), 0.0)
    text = render(proposal, "mine", Path("./synthetic"), Path("x.yaml"))
    config = validate(TrainConfig, parse_yaml(text, "x"), "x")
    assert not config.System.synthetic
    assert config.System.train_paths == ("./synthetic",)


@pytest.mark.parametrize("folder", ["data/digits", "it's here: #1", "C:/Users/\u540d"])
@pytest.mark.parametrize("charset", ["NUMERIC", "01'#\"\\", ["1", "_", "a", "'"], "NO", "~"])
@pytest.mark.parametrize(("resize", "fit"), [(None, "pad"), ((84, 28), "stretch")])
def test_what_init_writes_reads_back(
    folder: str, charset: str | list[str], resize: tuple[int, int] | None, fit: Fitting
) -> None:
    proposal = Proposal(BEFORE_DOT, charset, (48, 16), fit, resize, 3, 9, (1, 4), tuple("0123"), 0.0)
    text = render(proposal, "my.model-1", Path(folder), Path("configs/x.yaml"))
    config = validate(TrainConfig, parse_yaml(text, "x"), "x")
    assert config.System.TrainsPath == folder
    assert config.System.TrainRegex == BEFORE_DOT
    assert config.Model.CharSet == charset
    assert (config.Model.ImageWidth, config.Model.ImageHeight, config.Pretreatment.ImageChannel) == (48, 16, 3)
    assert config.input_size == (resize or (48, 16))
    assert config.Pretreatment.Fit == fit
    assert ("# Resize: [48, 16]" in text) == (resize is None)
    assert max(len(line) for line in text.splitlines() if line.startswith("#")) <= 120


values = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()


@given(st.recursive(values, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)))
def test_any_value_reads_back_from_one_line_of_yaml(value: object) -> None:
    text = as_yaml(value)
    assert "\n" not in text
    assert parse_yaml(f"key: {text}", "x") == {"key": value}
