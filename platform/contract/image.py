"""Picture bytes to contract pixels: `uint8 [H, W, C]`. The one way in for packing, evaluation and serving."""

import io
import struct
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from PIL import Image

from contract import notes, plain
from contract.errors import DamagedPictureError, NotAPictureError, PictureTooLargeError
from contract.formats import READERS, announced_size, format_of, png_size
from contract.pixels import Pixels, Steps, filtered, with_channels


@dataclass(frozen=True)
class Limits:
    """What a picture may be, checked before its pixels are decoded.

    Attributes:
        max_bytes: of the file.
        max_pixels: width x height of one frame.
    """

    max_bytes: int = 4 * 1024 * 1024
    max_pixels: int = 4_000_000


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True)
class Picture:
    """A picture that was read.

    Attributes:
        pixels: contract pixels, uint8 [H, W, C].
        size: (width, height) of the original in pixels.
        animated: there is more than the one frame that was read.
    """

    pixels: Pixels
    size: tuple[int, int]
    animated: bool


def decode(content: bytes, limits: Limits = DEFAULT_LIMITS) -> Image.Image:
    """Decode a picture file: PNG, JPEG, BMP, WEBP, or the first frame of a GIF.

    Args:
        content: the file's bytes.
        limits: checked against the file and its header before any pixel is decoded.

    Returns:
        The decoded frame in the mode of its file; `.size` is (width, height) in pixels.

    Raises:
        NotAPictureError: no such format.
        PictureTooLargeError: over a limit.
        DamagedPictureError: broken or cut off.
    """
    with _opened(content, limits) as image:
        image.load()
    if image.mode == "P" and image.palette is None:
        raise DamagedPictureError(f"the {image.format} is damaged: it has no palette")
    return image


def size_of(content: bytes, limits: Limits = DEFAULT_LIMITS) -> tuple[int, int]:
    """Return (width, height) in pixels of a picture file, by its header; raises as `decode` of what that shows."""
    if len(content) <= limits.max_bytes and (size := png_size(content)):
        _refuse_large(size, limits)
        return size
    with _opened(content, limits) as image:
        return image.size


def pretreat(image: Image.Image, steps: Steps, size: tuple[int, int]) -> Pixels:
    """Turn a decoded picture into contract pixels.

    Args:
        image: from `decode`; an animated one is left at the frame that was read.
        steps: the model's `Pretreatment`; its `Resize` is not looked at.
        size: (width, height) in pixels that the network sees.

    Returns:
        uint8 [H, W, C].

    Raises:
        DamagedPictureError: an animated picture whose frame of choice is broken or missing.
    """
    if steps.AnimatedFrame:
        _show_frame(image, steps.AnimatedFrame)
    return filtered(_to_channels(image, steps), steps, size)


def is_animated(image: Image.Image) -> bool:
    """Return whether a decoded picture has, or announces, more than the frame that was read."""
    try:
        return bool(getattr(image, "is_animated", False))
    except (IndexError, OSError, SyntaxError, ValueError, struct.error):
        return True  # PIL looks for a second frame, and what it found is broken; the first one has been read


def to_pixels(
    content: bytes, steps: Steps, size: tuple[int, int], limits: Limits = DEFAULT_LIMITS, *, silent: bool = False
) -> Pixels:
    """Decode and pretreat: picture bytes to uint8 [H, W, C].

    Small plain files take a shorter way to the same pixels, see `contract.plain`.

    Args:
        content: the file's bytes.
        steps: the model's `Pretreatment`; its `Resize` is not looked at.
        size: (width, height) in pixels that the network sees.
        limits: as in `decode`.
        silent: where strangers send many files: see to it that no library prints what it does not like about one, and
            leave larger ones to PIL, which takes less memory.

    Raises:
        PictureError: as `decode` and `pretreat`.
    """
    colours = _plain(content, limits, silent=silent)
    return pretreat(decode(content, limits), steps, size) if colours is None else _of_colours(colours, steps, size)


def read(content: bytes, steps: Steps, size: tuple[int, int], limits: Limits = DEFAULT_LIMITS) -> Picture:
    """Decode and pretreat, and tell what the file was; arguments and errors as of `to_pixels`."""
    colours = _plain(content, limits)
    if colours is None:
        image = decode(content, limits)
        return Picture(pretreat(image, steps, size), image.size, is_animated(image))
    height, width, _ = colours.shape
    return Picture(_of_colours(colours, steps, size), (width, height), animated=False)


def _plain(content: bytes, limits: Limits, *, silent: bool = False) -> plain.Colours | None:
    most = min(limits.max_pixels, plain.MAX_SILENT_PIXELS if silent else plain.MAX_PIXELS)
    return plain.decode(content, most, silent=silent) if len(content) <= limits.max_bytes else None


def _of_colours(colours: plain.Colours, steps: Steps, size: tuple[int, int]) -> Pixels:
    return filtered(with_channels(plain.gray(colours)) if steps.ImageChannel == 1 else colours, steps, size)


def _show_frame(image: Image.Image, number: int) -> None:
    """Go to a frame of an animated picture; a still one has only one to show."""
    if not is_animated(image):
        return
    try:
        image.seek(number)
        image.load()
    except Exception as error:  # as in `_damage_reported`
        raise DamagedPictureError(
            f"the animated picture has no frame {number}, or it is damaged (Pretreatment.AnimatedFrame): {error}"
        ) from error


@contextmanager
def _opened(content: bytes, limits: Limits) -> Iterator[Image.Image]:
    if len(content) > limits.max_bytes:
        raise PictureTooLargeError(f"the picture has {len(content):,} bytes; the limit is {limits.max_bytes:,}")
    name = format_of(content)
    if name is None:
        raise NotAPictureError(f"not a picture in a format read here ({', '.join(READERS)})")
    _refuse_large(announced_size(content), limits)
    if much := notes.too_many(name, content):
        raise PictureTooLargeError(f"the {name} has {much}: save it without metadata")
    with _damage_reported(name), _metadata_ignored(content):
        image = READERS[name](io.BytesIO(content))
        _refuse_large(image.size, limits)
        yield image


def _refuse_large(size: tuple[int, int] | None, limits: Limits) -> None:
    width, height = size or (0, 0)
    if width * height > limits.max_pixels:
        raise PictureTooLargeError(
            f"the picture is {width}x{height} = {width * height:,} pixels; the limit is {limits.max_pixels:,}"
        )


@contextmanager
def _damage_reported(name: str) -> Iterator[None]:
    try:
        yield
    except PictureTooLargeError:
        raise
    except Exception as error:  # PIL's decoders answer damaged files with any kind of exception
        raise DamagedPictureError(f"the {name} is damaged or cut off: {error}") from error


_FILTERS_LOCK = threading.Lock()


@contextmanager
def _metadata_ignored(content: bytes) -> Iterator[None]:
    """Keep PIL from warning of broken metadata: photographs' notes, and the frame count of an animated PNG.

    The list of warning filters belongs to the whole process; two threads that change it at once would leave it changed.
    """
    if b"Exif\0" not in content and b"acTL" not in content:
        yield
        return
    with _FILTERS_LOCK, warnings.catch_warnings(action="ignore"):
        yield


def _to_channels(image: Image.Image, steps: Steps) -> Pixels:
    if image.mode.startswith("I"):
        image = _eight_bits(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        if steps.ReplaceTransparent:
            white = Image.new("RGBA", image.size, "white")
            image = Image.alpha_composite(white, image)
    elif image.mode in {"P", "CMYK", "YCbCr", "LAB", "HSV"}:
        image = image.convert("RGB")
    image = image.convert("L" if steps.ImageChannel == 1 else "RGB")
    return with_channels(np.asarray(image))


def _eight_bits(image: Image.Image) -> Image.Image:
    # 16-bit gray: PIL's own conversion would clip at 255 instead of scaling.
    deep = np.asarray(image).astype(np.uint16)
    gray = Image.fromarray((deep >> 8).astype(np.uint8))
    if "transparency" in image.info:
        gray.putalpha(Image.fromarray(np.where(deep == image.info["transparency"], 0, 255).astype(np.uint8)))
    return gray
