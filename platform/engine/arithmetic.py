"""Which arithmetic a model is computed in. No tensorflow here."""

import functools
import importlib
from typing import Literal

from contract.spec import Arithmetic, ModelSpec

_NUMPY_CORE = "numpy._core._multiarray_umath"

Compute = Arithmetic | Literal["auto"]


def chosen(model: ModelSpec, asked: Compute) -> Arithmetic:
    """Return the arithmetic for a model on this machine.

    Args:
        model: its `Graph.Precision` says what it was proven in.
        asked: `auto` takes bfloat16 where the model was proven in it and the CPU multiplies in it; the others are taken
            as they are: a CPU without bfloat16 imitates it, slowly.
    """
    if asked != "auto":
        return asked
    return "bfloat16" if model.Graph.Precision == "bfloat16" and cpu_has_bfloat16() else "float32"


@functools.cache
def cpu_has_bfloat16() -> bool:
    """Tell whether this CPU multiplies in bfloat16: AVX512-BF16, which every CPU with AMX has too."""
    # numpy asks the CPU itself, on every system, but has no public name for the answer.
    features: dict[str, bool] = getattr(importlib.import_module(_NUMPY_CORE), "__cpu_features__", {})
    return features.get("AVX512BF16", False)
