"""Generated from protos/serving/wire/recognizer.proto; the command to make it anew stands there."""
