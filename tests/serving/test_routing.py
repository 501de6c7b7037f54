import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.spec import version_key
from serving.answer import Hints
from serving.errors import NotReadyError, UnknownModelError
from serving.routing import Route, Routes
from tests.serving.rig import spec_of

A = Route(spec_of("a", "1.0", size=(8, 4), sites=["shop"], kind="number"), "a")
B = Route(spec_of("b", "2.0", size=(8, 4), sites=["bank", "shop"], kind="word"), "b")
C = Route(spec_of("c", "1.0", size=(9, 9), kind="word"), "c")


def find(routes: Routes[str], size: tuple[int, int], **words: str) -> str:
    hints = Hints(**words)
    return routes.choose(routes.narrow(hints), hints, size).target


TABLE = [
    ("by size", (9, 9), {}, "c"),
    ("by size, the higher version", (8, 4), {}, "b"),
    ("by name, whatever the size", (1, 1), {"name": "a"}, "a"),
    ("by name and size, as captcha_platform had it", (1, 1), {"name": "a&8x4"}, "a"),
    ("by type", (1, 1), {"type": "number"}, "a"),
    ("by type, the one of that size", (9, 9), {"type": "word"}, "c"),
    ("by type, else the higher version", (1, 1), {"type": "word"}, "b"),
    ("by site", (8, 4), {"site": "bank"}, "b"),
    ("by site and type", (8, 4), {"site": "shop", "type": "number"}, "a"),
    ("by site and name", (8, 4), {"site": "shop", "name": "a"}, "a"),
]


@pytest.mark.parametrize(("_title", "size", "words", "expected"), TABLE, ids=[row[0] for row in TABLE])
def test_routing(_title: str, size: tuple[int, int], words: dict[str, str], expected: str) -> None:
    assert find(Routes([A, B, C]), size, **words) == expected
    assert find(Routes([C, B, A]), size, **words) == expected


UNKNOWN = [
    ({"site": "zoo"}, "site 'zoo'; there are: bank, shop"),
    ({"type": "zoo"}, "type 'zoo'; there are: number, word"),
    ({"name": "zoo"}, "name 'zoo'; there are: a, b, c$"),
    ({"name": "a&9x9"}, "name 'a&9x9'; there are: a, b, c$"),
    ({"name": "z" * 8_000_000}, r"name 'z{97}\.\.\.'; there are: a, b, c$"),
    ({"site": "bank", "name": "zoo"}, "name 'zoo'"),
    ({"site": "bank", "name": "a"}, "no model is at once site 'bank' and name 'a'"),
]


@pytest.mark.parametrize(("words", "message"), UNKNOWN)
def test_a_word_that_no_model_has_is_an_error_even_with_a_default(words: dict[str, str], message: str) -> None:
    with pytest.raises(UnknownModelError, match=message):
        find(Routes([A, B, C], default="c"), (8, 4), **words)


def test_an_unknown_size_goes_to_the_default_or_nowhere() -> None:
    assert find(Routes([A, B, C], default="c"), (1, 1)) == "c"
    for routes in [Routes([A, B, C]), Routes([A, B, C], default="gone")]:
        with pytest.raises(UnknownModelError, match="1x1; there are 8x4, 9x9"):
            find(routes, (1, 1))


def test_no_model_at_all_is_another_error() -> None:
    with pytest.raises(NotReadyError):
        Routes[str]().narrow(Hints(name="a"))


def test_priority_decides_between_equal_versions() -> None:
    one, two = Route(spec_of("one", "1.0"), "one"), Route(spec_of("two", "1.0"), "two", priority=1)
    assert find(Routes([one, two]), (8, 4)) == "two"
    assert find(Routes([one, Route(two.spec, "two")]), (8, 4)) == "one"


def test_the_version_comes_before_the_priority() -> None:
    old, new = Route(spec_of("old", "1.0"), "old", priority=1), Route(spec_of("new", "2.0"), "new")
    assert find(Routes([old, new]), (8, 4)) == "new"
    assert find(Routes([new, old]), (8, 4)) == "new"


def test_ambiguity_is_told() -> None:
    assert Routes([A, B, C]).ambiguities() == [
        "site shop: b comes before a",
        "type word: b comes before c",
        "size 8x4: b comes before a",
    ]


words = st.sampled_from(["", "x", "y"])
sizes = st.sampled_from([(1, 1), (2, 1), (3, 1)])
models = st.builds(
    lambda name, version, size, sites, kind, priority: Route(
        spec_of(name, version, size=size, sites=sites, kind=kind), name, priority
    ),
    st.sampled_from("xyzuvw"),
    st.sampled_from(["1.9", "1.10", "2"]),
    sizes,
    st.lists(st.sampled_from("xy"), max_size=2),
    words,
    st.integers(0, 1),
)


@given(
    st.lists(models, min_size=1, max_size=5, unique_by=lambda route: route.target),
    st.builds(Hints, words, words, words),
    sizes,
    st.sampled_from(["", "x", "gone"]),
)
def test_the_documented_order_holds(
    routes: list[Route[str]], hints: Hints, size: tuple[int, int], default: str
) -> None:
    left = [
        route
        for route in routes
        if (not hints.site or hints.site in route.spec.Model.Sites)
        and (not hints.type or hints.type == route.spec.Model.ModelType)
        and (not hints.name or hints.name == route.target)
    ]
    fitting = [route for route in left if route.size == size]
    said = hints.site or hints.type or hints.name
    eligible = fitting or (left if said else [route for route in routes if route.target == default])
    table = Routes(routes, default)
    if not eligible:
        with pytest.raises(UnknownModelError):
            table.choose(table.narrow(hints), hints, size)
        return
    best = max(
        eligible, key=lambda r: (version_key(r.spec.Model.Version), r.priority, [-ord(letter) for letter in r.target])
    )
    assert table.choose(table.narrow(hints), hints, size).target == best.target
