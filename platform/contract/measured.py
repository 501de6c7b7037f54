"""What a model YAML tells of its model: how it was measured, and pictures that it has to read."""

from typing import Annotated

from pydantic import Field

from contract.strict import StrictModel

Share = Annotated[float, Field(ge=0, le=1)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="a SHA-256 of 64 digits 0-9 and a-f")]


class AcceptLine(StrictModel):
    """What accepting only texts of at least some confidence would have come to on the test pictures.

    Attributes:
        Confidence: the least to accept.
        Accepted: share of the pictures that it accepts.
        Right: share of the accepted ones that were read without any error; none if nothing is accepted.
    """

    Confidence: Share
    Accepted: Share
    Right: Share | None = None


class MetricsSection(StrictModel):
    """Section `Metrics`: measured on pictures that the network was not trained on.

    Attributes:
        Accuracy: share of pictures read without any error.
        AccuracyInterval: its 95 % Wilson interval.
        CharacterErrorRate: edit distance over the length of the labels; can exceed 1.
        Pictures: how many were read.
        Dataset: SHA-256 of the packed set that was trained and tested on.
        Accept: for choosing a confidence below which a text is not to be trusted; rising.
    """

    Accuracy: Share
    AccuracyInterval: Annotated[list[Share], Field(min_length=2, max_length=2)]
    CharacterErrorRate: Annotated[float, Field(ge=0)]
    Pictures: Annotated[int, Field(ge=1)]
    Dataset: Digest
    Accept: list[AcceptLine] = []


class SpeedSection(StrictModel):
    """Section `Speed`: measured by `python -m trainer bench --store`, for whoever plans with it.

    Attributes:
        Machine: where it was measured.
        Latency: p50, p95 and p99 of one picture by one caller, in milliseconds.
        PicturesPerSecond: at most, with the best number of callers and pictures in a call.
    """

    Machine: str
    Latency: Annotated[list[Annotated[float, Field(gt=0)]], Field(min_length=3, max_length=3)]
    PicturesPerSecond: Annotated[float, Field(gt=0)]


class GoldenPicture(StrictModel):
    """A picture, as its file's bytes, and the text that the exported graph read from it."""

    Picture: bytes
    Text: str
