"""How the HTTP face behaves, where that can be chosen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Literal, get_args

KnownRoute = Literal["/captcha/v1", "/captcha/v3", "/captcha/auth/v2", "/service/info"]
"""The routes of captcha_platform, which can be given further paths."""


class DropIn(StrEnum):
    """The other systems whose clients can be answered on their own routes, in their own form."""

    CNN_CAPTCHA = "cnn_captcha"
    CAPTCHA_IDENTIFICATION = "captcha_identification"
    TENSORFLOW_101 = "tensorflow-101"


@dataclass(frozen=True)
class HttpOptions:
    """Choices for the HTTP face.

    Attributes:
        threads: how many requests may be in the data plane at once; the next one is refused with 503 at once, so that
            no queue forms before the data plane's own.
        connections: how many may be open; further ones wait in the kernel.
        connections_per_address: how many of those one address may hold, other than a trusted proxy; None for 100, and
            any number from this machine itself.
        legacy_http200: answer errors of the /captcha routes with status 200 and the bare text of their code, as
            captcha_platform did.
        drop_in: whose routes to answer besides our own.
        request_names: what the fields of a request are called instead, as {"image": "img"}.
        answer_names: what the fields of an answer are called instead, as {"message": "result"}.
        routes: further paths for a route, as {"/captcha/v1": ["/ocr"]}.
        console: whether `/` is the console and `/docs` the reference.
    """

    threads: int = 128
    connections: int = 500
    connections_per_address: int | None = None
    legacy_http200: bool = False
    drop_in: frozenset[DropIn] = frozenset()
    request_names: Mapping[str, str] = field(default_factory=dict)
    answer_names: Mapping[str, str] = field(default_factory=dict)
    routes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    console: bool = True

    @property
    def captcha_paths(self) -> frozenset[str]:
        """All paths on which clients expect the answers of captcha_platform."""
        known: tuple[str, ...] = get_args(KnownRoute)
        further = (path.rstrip("/") for paths in self.routes.values() for path in paths)
        return frozenset({*known, *further})

    @property
    def native(self) -> "HttpOptions":
        """These, without what makes answers look as old clients expect them."""
        return replace(self, legacy_http200=False, request_names={}, answer_names={})
