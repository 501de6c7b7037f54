"""Who makes a call."""

from urllib.parse import unquote

import grpc

from serving.errors import ForbiddenError
from serving.security.addresses import group_of, parse_address
from serving.security.gate import Caller, Gate


def caller_of(context: grpc.ServicerContext) -> Caller:
    """Return who makes a call; keys come in the metadata `authorization` or `x-api-key`."""
    texts = texts_of(context)
    return Caller(
        peer=address_of(context.peer()),
        forwarded=texts.get("x-forwarded-for", ""),
        authorization=texts.get("authorization", ""),
        api_key=texts.get("x-api-key", ""),
    )


def owner_of(gate: Gate, context: grpc.ServicerContext) -> str:
    """Return whose a call is, for what is shared out: its client's address, or the network of that."""
    caller = caller_of(context)
    try:
        return group_of(gate.greet(caller))
    except ForbiddenError:  # the method itself refuses it, see `greet`
        return group_of(parse_address(caller.peer))


def greet(gate: Gate, context: grpc.ServicerContext) -> None:
    """End a call from an address that is not allowed, for methods that need no key."""
    try:
        gate.greet(caller_of(context))
    except ForbiddenError as error:
        context.abort(grpc.StatusCode.PERMISSION_DENIED, str(error))


def texts_of(context: grpc.ServicerContext) -> dict[str, str]:
    """Return the metadata of a call, without what is no text."""
    return {key: value for key, value in context.invocation_metadata() if isinstance(value, str)}


def address_of(peer: str) -> str:
    """Return the address in gRPC's word for a peer, such as ipv6:%5B::1%5D:51234; empty for one of another kind."""
    kind, _, rest = peer.partition(":")
    return unquote(rest).rpartition(":")[0].strip("[]") if kind in {"ipv4", "ipv6"} else ""
