"""LitServe, which batches on its own: `python litserve_peer.py PORT`."""

import sys

import litserve
import numpy as np
from thin import Model, to_pixels


class Api(litserve.LitAPI):
    """One model in one worker, batches of up to 32."""

    def setup(self, _device: str) -> None:
        """Load the model in the worker."""
        self.model = Model()

    def decode_request(self, request: dict) -> np.ndarray:
        """Decode a request's picture."""
        return to_pixels(request["image"])

    def batch(self, inputs: list[np.ndarray]) -> list[np.ndarray]:
        """Leave the pictures as they are; the model stacks them."""
        return inputs

    def predict(self, batch: list[np.ndarray]) -> list[str]:
        """Read a batch."""
        return self.model.read(batch)

    def unbatch(self, output: list[str]) -> list[str]:
        """Leave the texts as they are."""
        return output

    def encode_response(self, output: str) -> dict:
        """Return the JSON of an answer."""
        return {"message": output}


if __name__ == "__main__":
    api = Api(max_batch_size=32, batch_timeout=0.002)
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", generate_client_file=False)
