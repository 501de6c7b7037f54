from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PredictRequest(_message.Message):
    __slots__ = ("image", "split_char", "model_name", "model_type", "model_site", "need_color", "pictures")
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    SPLIT_CHAR_FIELD_NUMBER: _ClassVar[int]
    MODEL_NAME_FIELD_NUMBER: _ClassVar[int]
    MODEL_TYPE_FIELD_NUMBER: _ClassVar[int]
    MODEL_SITE_FIELD_NUMBER: _ClassVar[int]
    NEED_COLOR_FIELD_NUMBER: _ClassVar[int]
    PICTURES_FIELD_NUMBER: _ClassVar[int]
    image: str
    split_char: str
    model_name: str
    model_type: str
    model_site: str
    need_color: str
    pictures: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, image: _Optional[str] = ..., split_char: _Optional[str] = ..., model_name: _Optional[str] = ..., model_type: _Optional[str] = ..., model_site: _Optional[str] = ..., need_color: _Optional[str] = ..., pictures: _Optional[_Iterable[bytes]] = ...) -> None: ...

class PredictResult(_message.Message):
    __slots__ = ("result", "code", "success", "model", "version", "confidence", "message", "results")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    result: str
    code: int
    success: bool
    model: str
    version: str
    confidence: float
    message: str
    results: _containers.RepeatedCompositeFieldContainer[PictureResult]
    def __init__(self, result: _Optional[str] = ..., code: _Optional[int] = ..., success: _Optional[bool] = ..., model: _Optional[str] = ..., version: _Optional[str] = ..., confidence: _Optional[float] = ..., message: _Optional[str] = ..., results: _Optional[_Iterable[_Union[PictureResult, _Mapping]]] = ...) -> None: ...

class PictureResult(_message.Message):
    __slots__ = ("result", "code", "success", "model", "version", "confidence", "message")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    result: str
    code: int
    success: bool
    model: str
    version: str
    confidence: float
    message: str
    def __init__(self, result: _Optional[str] = ..., code: _Optional[int] = ..., success: _Optional[bool] = ..., model: _Optional[str] = ..., version: _Optional[str] = ..., confidence: _Optional[float] = ..., message: _Optional[str] = ...) -> None: ...
