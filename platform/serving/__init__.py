"""The platform: watches folders of models, swaps versions without a pause, answers HTTP and gRPC."""
