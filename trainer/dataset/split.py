"""Which pictures are set aside for testing: by content, the same on every machine and in every order. Pure.

A picture's key is the start of the SHA-256 of its file. When a set is first split, the pictures with the smallest keys
are set aside until there are as many as asked for; the last of these keys is the threshold. Later pictures go by the
threshold, so adding some never moves an earlier one. Pictures with the same pixels always go together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trainer.dataset.findings import Side

Groups = dict[str, list[str]]

FACTOR = 1.5  # as many or as few are about a tenth still
KEY_DIGITS = 16  # hexadecimal digits of the SHA-256 that count


@dataclass(frozen=True)
class Content:
    """What the split knows of a picture.

    Attributes:
        sha256: of its file.
        look: equal for pictures that must stay on one side, such as the SHA-256 of their contract pixels.
    """

    sha256: str
    look: str


@dataclass(frozen=True)
class Earlier:
    """What a set that was packed before has settled.

    Attributes:
        threshold: key of the last picture set aside.
        sides: of the pictures in it, by SHA-256.
    """

    threshold: str
    sides: Mapping[str, Side]


@dataclass(frozen=True)
class Split:
    """Sides for pictures.

    Attributes:
        sides: one per picture, in order.
        threshold: keys up to it are for testing.
    """

    sides: tuple[Side, ...]
    threshold: str


def default_test_count(pictures: int) -> int:
    """Return how many pictures are set aside when the config does not say: a tenth."""
    return max(1, round(pictures / 10))


def is_a_tenth(tested: int, pictures: int) -> bool:
    """Return whether about as many are set aside as the config says by default."""
    usual = default_test_count(pictures)
    return usual / FACTOR <= tested <= usual * FACTOR


def split(contents: Sequence[Content], test_count: int, earlier: Earlier | None = None) -> Split:
    """Decide the side of each picture.

    Args:
        contents: the pictures, in any order; the order changes nothing.
        test_count: how many to set aside. Met exactly unless copies that must stay together prevent it; not looked
            at if there is an earlier split.
        earlier: keep to this one.
    """
    groups = _groups(contents)
    if earlier is None:
        tested, threshold = _draw(groups, test_count)
    else:
        threshold = earlier.threshold
        tested = {look for look, keys in groups.items() if _side(keys, earlier) == "test"}
    return Split(tuple("test" if content.look in tested else "train" for content in contents), threshold)


def _groups(contents: Sequence[Content]) -> Groups:
    """Return the digests of each group that must stay together, sorted."""
    groups: Groups = {}
    for content in contents:
        groups.setdefault(content.look, []).append(content.sha256)
    return {look: sorted(digests) for look, digests in groups.items()}


def _draw(groups: Groups, test_count: int) -> tuple[set[str], str]:
    tested: set[str] = set()
    missing, threshold = test_count, ""
    for look, digests in sorted(groups.items(), key=lambda group: group[1]):
        if missing == 0:
            break
        if len(digests) <= missing:
            tested.add(look)
            missing -= len(digests)
            threshold = digests[0][:KEY_DIGITS]
    return tested, threshold


def _side(digests: Sequence[str], earlier: Earlier) -> Side:
    settled = next((earlier.sides[digest] for digest in digests if digest in earlier.sides), None)
    return settled or ("test" if digests[0][:KEY_DIGITS] <= earlier.threshold else "train")
