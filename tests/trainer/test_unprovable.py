import contextlib

import pytest

from tests.conftest import small_config
from trainer.errors import UsageError
from trainer.export import artifact as artifacts


@pytest.mark.parametrize(
    ("asked", "has_bfloat16", "refused"),
    [("bfloat16", False, True), ("bfloat16", True, False), ("auto", False, False), ("float32", False, False)],
)
def test_what_cannot_be_proven_is_refused_before_a_training(
    asked: str, has_bfloat16: bool, refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifacts, "cpu_has_bfloat16", lambda: has_bfloat16)
    with pytest.raises(UsageError, match="does not multiply in bfloat16") if refused else contextlib.nullcontext():
        artifacts.refuse_unprovable(small_config(Export={"Precision": asked}))
