"""One question to the data plane and its reply, whatever transport carries them."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from serving.answer import Answer, Hints, Recognizes
from serving.codes import DONE, Code, code_of
from serving.errors import BadRequestError, ServingError
from serving.pictures import Payload, RequestLimits


@dataclass(frozen=True)
class Question:
    """A request, decoded.

    Attributes:
        payloads: one per picture, in order.
        hints: which model is wanted.
        split_char: stands between the texts of several pictures.
        many: whether the client sent several, and so gets a result per picture.
        confidence: False leaves confidences out of the answer, True adds those of each symbol.
    """

    payloads: Sequence[Payload]
    hints: Hints = field(default_factory=Hints)
    split_char: str = ""
    many: bool = False
    confidence: bool | None = None


@dataclass(frozen=True)
class Reply:
    """The answers to a question, and what they come to.

    Attributes:
        text: all texts, joined by the question's split_char.
        code: of the first picture that failed, else 0.
        model: that answered the first picture which has an answer; likewise its version.
        confidence: of the text that is least sure.
        error: of the first picture that failed.
    """

    answers: Sequence[Answer]
    text: str
    code: Code
    model: str
    version: str
    confidence: float
    error: ServingError | None


def ask(plane: Recognizes, question: Question, limits: RequestLimits, seconds: float | None = None) -> Reply:
    """Put a question to the data plane.

    Args:
        plane: the data plane.
        question: from a transport.
        limits: for their `max_seconds`.
        seconds: how long the client waits, if it said so.

    Returns:
        A reply in which at least one picture was read; the others each have an error of their own.

    Raises:
        ServingError: the request as a whole was refused, or no picture of it could be read.
    """
    deadline = time.monotonic() + (limits.max_seconds if seconds is None else min(seconds, limits.max_seconds))
    pictures = [payload for payload in question.payloads if isinstance(payload, bytes)]
    read = iter(plane.recognize(pictures, question.hints, deadline=deadline) if pictures else ())
    answers = [
        Answer(error=payload) if isinstance(payload, ServingError) else next(read) for payload in question.payloads
    ]
    good = [answer for answer in answers if answer.error is None]
    error = next((answer.error for answer in answers if answer.error), None)
    if error and not good:
        raise error
    return Reply(
        answers=answers,
        text=question.split_char.join(answer.text for answer in answers),
        code=code_of(error, question.hints) if error else DONE,
        model=good[0].model,
        version=good[0].version,
        confidence=min(answer.confidence for answer in good),
        error=error,
    )


def refuse_color(color: object) -> None:
    """Refuse `need_color`: what captcha_platform did by a fixed rule, a model here learns from the pictures.

    Raises:
        BadRequestError: the field is not empty.
    """
    if color:
        raise BadRequestError(
            "need_color is not supported: train a model on the pictures as they are, and choose it by model_type"
        )
