"""Flask under waitress, a session.run for each request: `python flask_peer.py PORT`."""

import sys

from flask import Flask, jsonify, request
from thin import Model, to_pixels
from waitress import serve

app = Flask(__name__)
model = Model()


@app.post("/predict")
def predict() -> object:
    """Read one picture."""
    return jsonify(message=model.read([to_pixels(request.get_json()["image"])])[0])


if __name__ == "__main__":
    serve(app, host="127.0.0.1", port=int(sys.argv[1]), threads=8, _quiet=True)
