"""Messages of the wire to questions, replies to messages of the wire."""

from google.protobuf.message import DecodeError

from serving import pictures
from serving.answer import Answer, Hints
from serving.asking import Question, Reply, refuse_color
from serving.codes import DONE, Code, code_of, explain
from serving.errors import BadRequestError, ServingError
from serving.pictures import RequestLimits
from serving.wire.recognizer_pb2 import PictureResult, PredictRequest, PredictResult


def parse(content: bytes) -> PredictRequest:
    """Return the request in bytes of the wire.

    Raises:
        BadRequestError: they hold none.
    """
    try:
        return PredictRequest.FromString(content)
    except DecodeError as error:
        raise BadRequestError("the message is no PredictRequest") from error


def hints_of(request: PredictRequest) -> Hints:
    """Return which model a request wants."""
    return Hints(site=request.model_site, type=request.model_type, name=request.model_name)


def question_of(request: PredictRequest, limits: RequestLimits) -> Question:
    """Decode a request.

    Raises:
        ServingError: it holds no pictures, or too many, or something that is no picture.
    """
    refuse_color(request.need_color)
    if request.pictures and request.image:
        raise BadRequestError("send either image (base64) or pictures (bytes), not both")
    if request.pictures:
        payloads = pictures.from_files(request.pictures, limits)
    else:
        payloads = pictures.from_text(request.image, limits)
    return Question(payloads, hints_of(request), request.split_char, many=len(payloads) > 1)


def result_of(question: Question, reply: Reply) -> PredictResult:
    """Return the message for a reply; with `results` when the question had several pictures."""
    result = PredictResult(
        result=reply.text,
        code=reply.code.number,
        success=reply.error is None,
        model=reply.model,
        version=reply.version,
        confidence=reply.confidence,
        message=explain(reply.error, reply.code) if reply.error else "",
    )
    if question.many:
        result.results.extend(_result(answer, question.hints) for answer in reply.answers)
    return result


def failure(error: ServingError, code: Code) -> PredictResult:
    """Return the message for a request that could not be answered."""
    return PredictResult(code=code.number, success=False, message=explain(error, code))


def _result(answer: Answer, hints: Hints) -> PictureResult:
    code = code_of(answer.error, hints) if answer.error else DONE
    return PictureResult(
        result=answer.text,
        code=code.number,
        success=answer.error is None,
        model=answer.model,
        version=answer.version,
        confidence=answer.confidence,
        message=explain(answer.error, code) if answer.error else "",
    )
