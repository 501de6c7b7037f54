"""Settings of the faces: HTTP, gRPC, keys and limits, TLS."""

import sys
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import Field, field_validator, model_validator

from contract.strict import StrictModel
from serving.http import clashes, options
from serving.security.addresses import Network, parse_network
from serving.security.quota import QuotaRule

File = Annotated[Path, Field(strict=False)]
Route = Annotated[str, Field(pattern=r"^/[A-Za-z0-9._~/-]*$", description="a path such as '/ocr'")]
FieldName = Annotated[str, Field(min_length=1, max_length=100)]

RequestField = Literal["image", "model_site", "model_type", "model_name", "split_char", "need_confidence"]
AnswerField = Literal[
    "message", "code", "success", "uid", "model", "version", "confidence", "results", "symbols", "available"
]


_MOST_ON_WINDOWS = 500  # select() takes 512 sockets there, the listening ones among them


class HttpSection(StrictModel):
    """Section `Http`: how HTTP behaves.

    Attributes:
        Threads: requests in work at once, the next one is refused with 503; `auto` fits the queue of a model, and all
            connections.
        Connections: open at once, and as many at gRPC; further ones wait in the kernel, those of gRPC are closed.
        ConnectionsPerAddress: of those, from one address other than a trusted proxy; `auto` is 100, and any number from
            this machine itself.
        LegacyHttp200: answer errors of the /captcha routes with status 200 and the bare text of their code, as
            captcha_platform did; also those that come before the routes, such as a key that is not known.
        DropIn: other systems whose clients are answered on their own routes.
        RequestNames: our name of a request's field to the one that clients send: `{image: img}`.
        AnswerNames: our name of an answer's field to the one that clients expect: `{message: result}`.
        Routes: a route to further paths for it: `{/captcha/v1: [/ocr]}`.
        Console: whether `/` is the console and `/docs` the reference.
    """

    Threads: Annotated[int, Field(ge=1, le=4096)] | Literal["auto"] = "auto"
    Connections: Annotated[int, Field(ge=1, le=100_000)] = 500
    ConnectionsPerAddress: Annotated[int, Field(ge=1, le=100_000)] | Literal["auto"] = "auto"
    LegacyHttp200: bool = False
    DropIn: list[Annotated[options.DropIn, Field(strict=False)]] = []
    RequestNames: dict[RequestField, FieldName] = {}
    AnswerNames: dict[AnswerField, FieldName] = {}
    Routes: dict[options.KnownRoute, list[Route]] = {}
    Console: bool = True

    @field_validator("Connections", mode="after")
    @classmethod
    def _can_be_waited_for(cls, value: int) -> int:
        if sys.platform == "win32" and value > _MOST_ON_WINDOWS:
            raise ValueError(f"{value} are too many: Windows can wait for no more than {_MOST_ON_WINDOWS} at once")
        return value

    @model_validator(mode="after")
    def _nothing_is_called_as_something_else(self) -> Self:
        found = {
            "RequestNames": clashes.request_clashes(get_args(RequestField), dict(self.RequestNames.items())),
            "AnswerNames": clashes.answer_clashes(get_args(AnswerField), dict(self.AnswerNames.items())),
            "Routes": clashes.path_clashes(self.Routes, self.DropIn, console=self.Console),
        }
        told = [f"{key}: {sentence}" for key, sentences in found.items() for sentence in sentences]
        if told:
            raise ValueError("; ".join(told))
        return self


class GrpcSection(StrictModel):
    """Section `Grpc`: how gRPC behaves.

    Attributes:
        Calls: in work at once, the next one is refused as UNAVAILABLE; `auto` fits the queue of a model. Half of them
            may be streams, a quarter those of one key or address.
        LegacyOk: answer errors as messages with status OK, as captcha_platform did.
        Reflection: tell clients which methods there are.
    """

    Calls: Annotated[int, Field(ge=1, le=4096)] | Literal["auto"] = "auto"
    LegacyOk: bool = False
    Reflection: bool = True


class SecuritySection(StrictModel):
    """Section `Security`: who may do what.

    Attributes:
        Keys: YAML of API keys; without one everybody may ask, and nobody may load or unload.
        AllowAnonymous: without keys, listen beyond this machine all the same.
        KeyQuota: how often each key may ask.
        AddressQuota: how often each address may ask.
        Allow: addresses and networks that may ask; empty for all.
        Deny: those that may not.
        TrustedProxies: those whose X-Forwarded-For is believed.
        LegacySignature: take captcha_platform's MD5 signatures on /captcha/auth/v2. They are weak. Keys and our own
            signatures are taken there anyhow.
    """

    Keys: File | None = None
    AllowAnonymous: bool = False
    KeyQuota: QuotaRule | None = None
    AddressQuota: QuotaRule | None = None
    Allow: list[str] = []
    Deny: list[str] = []
    TrustedProxies: list[str] = []
    LegacySignature: bool = False

    @field_validator("Allow", "Deny", "TrustedProxies")
    @classmethod
    def _are_networks(cls, texts: list[str]) -> list[str]:
        for text in texts:
            parse_network(text)
        return texts

    @model_validator(mode="after")
    def _a_signature_needs_a_secret(self) -> Self:
        if self.LegacySignature and self.Keys is None:
            raise ValueError(
                "Security.LegacySignature needs Security.Keys, a file with `Legacy: {AccessKey, SecretKey}`"
            )
        return self

    def networks(self, name: Literal["Allow", "Deny", "TrustedProxies"]) -> tuple[Network, ...]:
        """Return one of the lists as networks."""
        texts: list[str] = getattr(self, name)
        return tuple(map(parse_network, texts))


class TracesSection(StrictModel):
    """Section `Traces`: where the time of each request went, for a collector of OpenTelemetry. Needs the extra `otel`.

    Attributes:
        Endpoint: of the collector, for OTLP over HTTP, as http://127.0.0.1:4318/v1/traces; none sends none.
        Share: of the requests that are traced, 0 to 1; a client that sends a traceparent decides for itself.
    """

    Endpoint: Annotated[str, Field(pattern=r"^https?://[^/]", description="a URL")] | None = None
    Share: Annotated[float, Field(ge=0, le=1)] = 1.0


class TlsSection(StrictModel):
    """Section `Tls`: encryption of both transports.

    Attributes:
        Certificate: PEM of the certificate, and of those between it and a known authority.
        PrivateKey: PEM of its key, without a password.
    """

    Certificate: File | None = None
    PrivateKey: File | None = None

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.Certificate is None) != (self.PrivateKey is None):
            raise ValueError("Tls needs both Certificate and PrivateKey, or neither")
        return self
