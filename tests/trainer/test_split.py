import hashlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.dataset.split import Content, Earlier, Split, default_test_count, is_a_tenth, split


def content(name: str, look: str | None = None) -> Content:
    digest = hashlib.sha256(name.encode()).hexdigest()
    return Content(digest, look or digest)


def sides_by_digest(contents: list[Content], result: Split) -> dict[str, str]:
    return {item.sha256: side for item, side in zip(contents, result.sides, strict=True)}


# Pictures by number; several numbers may share a look.
sets = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 30) | st.none()), min_size=1, max_size=60).map(
    lambda pairs: [
        content(f"{look} {number}", None if look is None else f"look {look}") for number, look in dict.fromkeys(pairs)
    ]
)


def test_the_split_is_the_same_everywhere() -> None:
    contents = [content(str(number)) for number in range(10)]
    # SHA-256 of "8" starts with 2c6242..., of "9" with 19581e...: the two smallest of the ten digits.
    assert split(contents, 2).sides == ("train",) * 8 + ("test", "test")


@pytest.mark.parametrize(("pictures", "count"), [(1, 1), (2, 1), (14, 1), (16, 2), (9453, 945), (50_000, 5000)])
def test_a_tenth_is_the_default(pictures: int, count: int) -> None:
    assert default_test_count(pictures) == count


@pytest.mark.parametrize(
    ("tested", "pictures", "usual"),
    [(300, 3000, True), (200, 3000, True), (199, 3000, False), (450, 3000, True), (451, 3000, False), (1, 2, True)],
)
def test_another_share_than_a_tenth_is_noticed(tested: int, pictures: int, usual: bool) -> None:
    assert is_a_tenth(tested, pictures) == usual


@given(st.integers(1, 300), st.data())
def test_different_pictures_are_split_exactly(pictures: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, pictures))
    result = split([content(str(number)) for number in range(pictures)], count)
    assert result.sides.count("test") == count


@given(sets, st.integers(0, 60), st.randoms(use_true_random=False))
def test_order_changes_nothing(contents: list[Content], count: int, shuffler: random.Random) -> None:
    shuffled = shuffler.sample(contents, len(contents))
    one, other = split(contents, count), split(shuffled, count)
    assert sides_by_digest(contents, one) == sides_by_digest(shuffled, other)
    assert one.threshold == other.threshold


@given(sets, sets, st.integers(0, 60), st.randoms(use_true_random=False))
def test_additions_move_nobody(first: list[Content], more: list[Content], count: int, shuffler: random.Random) -> None:
    before = split(first, count)
    settled = sides_by_digest(first, before)
    everyone = list({item.sha256: item for item in [*first, *more]}.values())
    shuffler.shuffle(everyone)
    after = split(everyone, count, Earlier(before.threshold, settled))  # type: ignore[arg-type] # sides as read back
    now = sides_by_digest(everyone, after)
    assert {digest: now[digest] for digest in settled} == settled
    assert after.threshold == before.threshold


@given(sets, sets, st.integers(0, 60))
def test_look_alikes_stay_together(first: list[Content], more: list[Content], count: int) -> None:
    before = split(first, count)
    sides = sides_by_digest(first, before)
    everyone = list({item.sha256: item for item in [*first, *more]}.values())
    for contents, result in (
        (first, before),
        (everyone, split(everyone, count, Earlier(before.threshold, sides))),  # type: ignore[arg-type]
    ):
        seen: dict[str, str] = {}
        for item, side in zip(contents, result.sides, strict=True):
            assert seen.setdefault(item.look, side) == side


@given(sets, st.integers(0, 60))
def test_no_more_are_set_aside_than_asked_for(contents: list[Content], count: int) -> None:
    assert split(contents, count).sides.count("test") <= count


def test_later_pictures_go_by_the_threshold() -> None:
    contents = [content(str(number)) for number in range(1000)]
    first = split(contents[:500], 100)
    later = split(contents, 100, Earlier(first.threshold, {}))
    assert 150 < later.sides.count("test") < 250  # about a fifth of the later ones too
