"""The networks: pictures to features, features to frames, frames to scores.

Keras layers and `keras.ops` only, so that any Keras backend can train them; the export knows each layer used here.
"""
