from http import HTTPStatus

import grpc
import pytest

from serving.answer import Hints
from serving.codes import code_of, standing_of
from serving.errors import ModelFailedError, ServingError


def kinds(root: type[ServingError] = ServingError) -> list[type[ServingError]]:
    return [root, *(kind for child in root.__subclasses__() for kind in kinds(child))]


@pytest.mark.parametrize("kind", kinds())
def test_every_error_has_a_status_in_both_transports(kind: type[ServingError]) -> None:
    standing = standing_of(kind)
    assert HTTPStatus(standing.http) >= HTTPStatus.BAD_REQUEST
    assert grpc.StatusCode[standing.grpc] != grpc.StatusCode.OK
    ours = kind in {ServingError, ModelFailedError}
    assert (standing.http == HTTPStatus.INTERNAL_SERVER_ERROR) == ours == (standing.grpc == "INTERNAL")


@pytest.mark.parametrize("kind", kinds()[1:])
def test_a_kind_is_not_hidden_by_a_wider_one_before_it(kind: type[ServingError]) -> None:
    inner, outer = standing_of(kind), standing_of(kind.__mro__[1])
    assert outer.http in {inner.http, HTTPStatus.INTERNAL_SERVER_ERROR}


def test_an_error_of_no_known_kind_is_our_fault() -> None:
    class NewError(ServingError):
        pass

    assert code_of(NewError("?"), Hints()).number == 500
