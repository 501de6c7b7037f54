"""BentoML with adaptive batching: `bentoml serve bento_peer:Reader --port PORT`."""

import bentoml
from thin import Model, to_pixels


@bentoml.service(workers=1, traffic={"timeout": 60})
class Reader:
    """One model, batches of up to 32."""

    def __init__(self) -> None:
        self.model = Model()

    @bentoml.api(batchable=True, max_batch_size=32, max_latency_ms=1000)
    def predict(self, image: list[str]) -> list[str]:
        """Read a batch of pictures in base64."""
        return self.model.read([to_pixels(text) for text in image])
