"""Names for the weights of a network that stay the same from one build to the next, and between related networks."""

import re
from collections import Counter
from typing import Any

import keras

from trainer.network.heads import OUTPUT


def named_weights(model: keras.Model) -> dict[str, Any]:
    """Return the weights (not the states of random generators) by names such as `Conv2D_0/kernel`.

    A layer is named by its kind and its number among those of its kind, so that dropout, or a layer of another kind,
    added between does not rename it; the last one is `logits`.
    """
    seen: Counter[str] = Counter()
    result = {}
    for layer in model.layers:
        kind = type(layer).__name__
        name = OUTPUT if layer.name == OUTPUT else f"{kind}_{seen[kind]}"
        seen[kind] += 1
        for weight in layer.weights:
            result[f"{name}/{_tail(weight.path)}"] = weight
    return result


def _tail(path: str) -> str:
    """Return a path without its layer, and without the numbers that Keras counts up: `forward_lstm_3` in this build."""
    return "/".join(re.sub(r"_\d+$", "", part) for part in path.split("/")[1:])
