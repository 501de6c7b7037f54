"""Contract pixels, and what is done with a picture once it is decoded."""

from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]

# One process thread per picture: OpenCV's own threads only get in the way of packing and of the session pool.
cv2.setNumThreads(0)


class Steps(Protocol):
    """The steps of a `Pretreatment`, which is one; so that workers need no pydantic, with which they start later."""

    @property
    def ReplaceTransparent(self) -> bool: ...  # noqa: N802, D102 - as in the YAML; `Pretreatment` tells what each is
    @property
    def ImageChannel(self) -> int: ...  # noqa: N802, D102 - as above
    @property
    def Binaryzation(self) -> int: ...  # noqa: N802, D102 - as above
    @property
    def Smoothing(self) -> int: ...  # noqa: N802, D102 - as above
    @property
    def Blur(self) -> int: ...  # noqa: N802, D102 - as above
    @property
    def Fit(self) -> str: ...  # noqa: N802, D102 - as above
    @property
    def AnimatedFrame(self) -> int | None: ...  # noqa: N802, D102 - as above


def with_channels(pixels: npt.NDArray[np.generic] | cv2.typing.MatLike) -> Pixels:
    """Return [H, W] or [H, W, C] as uint8 [H, W, C]."""
    array: Pixels = np.asarray(pixels, dtype=np.uint8)
    return array[:, :, np.newaxis] if array.ndim == 2 else array


def filtered(pixels: Pixels, steps: Steps, size: tuple[int, int]) -> Pixels:
    """Apply the steps that follow decoding, and fit the picture into what the network sees.

    Args:
        pixels: uint8 [H, W, C] of the picture as it is.
        steps: the model's `Pretreatment`; its `Resize` is not looked at.
        size: (width, height) in pixels that the network sees.
    """
    if steps.Binaryzation > 0:
        pixels = np.where(pixels > steps.Binaryzation, np.uint8(255), np.uint8(0))
    if steps.Smoothing > 0:
        pixels = with_channels(cv2.medianBlur(pixels, _odd(steps.Smoothing)))
    if steps.Blur > 0:
        pixels = with_channels(cv2.GaussianBlur(pixels, (_odd(steps.Blur), _odd(steps.Blur)), 0))
    return _resize(pixels, size) if steps.Fit == "stretch" else _pad(pixels, size)


def _odd(size: int) -> int:
    return size if size % 2 else size + 1


def _resize(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    if (pixels.shape[1], pixels.shape[0]) == size:
        return np.ascontiguousarray(pixels)
    return with_channels(cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR))


def _pad(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    height, width, channels = pixels.shape
    scale = min(size[0] / width, size[1] / height)
    fitted = _resize(pixels, (max(1, round(width * scale)), max(1, round(height * scale))))
    background = np.median(fitted, axis=(0, 1)).astype(np.uint8)
    canvas = np.broadcast_to(background, (size[1], size[0], channels)).copy()
    canvas[: fitted.shape[0], : fitted.shape[1]] = fitted
    return canvas
