"""Whatever is wrong with one YAML, the scan names it and goes on with the others."""

import pytest

from serving import seen
from serving.repository import Scan, scan
from tests.serving.rig import Shop


def problems(shop: Shop) -> dict[str, str]:
    once = scan(shop.graph, shop.model, Scan())
    return {candidate.path.name: candidate.reason for candidate in scan(shop.graph, shop.model, once).candidates}


@pytest.mark.parametrize("number", [f"0x{'f' * 4000}", f"1{':59' * 5000}", "9" * 5000])
def test_a_number_too_long_to_print_harms_nobody(number: str, shop: Shop) -> None:
    shop.publish()
    (shop.model / "long.yaml").write_text(f"Schema: {number}", "utf-8")
    assert "a number of" in problems(shop).pop("long.yaml")
    assert len(problems(shop)) == 2


def test_an_error_that_nobody_thought_of_is_that_of_its_file_alone(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.publish()
    (shop.model / "odd.yaml").write_text("odd: 1", "utf-8")
    original = seen.parse_yaml

    def parse(content: bytes, source: str) -> object:
        if source == "odd.yaml":
            raise ValueError("nobody thought of this")
        return original(content, source)

    monkeypatch.setattr(seen, "parse_yaml", parse)
    found = problems(shop)
    assert found.pop("odd.yaml") == "odd.yaml: cannot be read as a model YAML: ValueError: nobody thought of this"
    assert len(found) == 1
