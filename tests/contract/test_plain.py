"""The fast way for plain files gives PIL's pixels to the bit, and leaves to PIL what the two could read differently."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from contract import image, plain
from contract.errors import PictureError
from contract.image import Pretreatment

PIXELS = 4_000_000
GRAY, COLOUR = Pretreatment(), Pretreatment(ImageChannel=3)


def picture(mode: str = "RGB", size: tuple[int, int] = (31, 17), seed: int = 0) -> Image.Image:
    noise = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 4), np.uint8)
    smooth = Image.fromarray(noise[..., :3]).resize((5, 4)).resize(size)
    if mode == "RGBA":
        smooth.putalpha(Image.fromarray(noise[..., 3]))
    return smooth if mode == "RGBA" else smooth.convert(mode)


def saved(drawn: Image.Image, form: str, **options: object) -> bytes:
    file = io.BytesIO()
    drawn.save(file, form, **options)
    return file.getvalue()


def opaque() -> Image.Image:
    drawn = picture()
    drawn.putalpha(255)
    return drawn


def turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    return exif


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def with_chunk(png: bytes, name: bytes, data: bytes) -> bytes:
    return png[:33] + chunk(name, data) + png[33:]


PNG, JPEG = saved(picture(), "PNG"), saved(picture(), "JPEG")

PLAIN = {
    "colour PNG": PNG,
    "gray PNG": saved(picture("L"), "PNG"),
    "opaque PNG": saved(opaque(), "PNG"),
    "PNG with resolution and colour notes": with_chunk(saved(picture(), "PNG", dpi=(72, 72)), b"gAMA", b"\0\0\1\0"),
    "JPEG": JPEG,
    "gray JPEG": saved(picture("L"), "JPEG"),
    "JPEG, chroma 4:4:4": saved(picture(), "JPEG", subsampling=0),
    "JPEG, chroma 4:2:2": saved(picture(), "JPEG", subsampling=1),
    "poor JPEG with a comment": saved(picture(), "JPEG", quality=3, comment="made by hand"),
    "JPEG with restarts": saved(picture(), "JPEG", restart_marker_blocks=2),
}

NOT_PLAIN = {
    "transparent PNG": saved(picture("RGBA"), "PNG"),
    "PNG with a transparent colour": saved(picture(), "PNG", transparency=(1, 2, 3)),
    "PNG with a palette": saved(picture("P"), "PNG"),
    "black and white PNG": saved(picture("1"), "PNG"),
    "PNG with alpha and gray": saved(picture("RGBA").convert("LA"), "PNG"),
    "PNG of 16 bits": saved(Image.fromarray(np.arange(600, dtype=np.uint16).reshape(20, 30) * 100), "PNG"),
    "animated PNG": saved(picture(), "PNG", save_all=True, append_images=[picture(seed=1)]),
    "PNG that is to be turned": saved(picture(), "PNG", exif=turned()),
    "PNG with something behind it": PNG + b"\0",
    "PNG cut off": PNG[:-20],
    "JPEG that is to be turned": saved(picture(), "JPEG", exif=turned()),
    "progressive JPEG": saved(picture(), "JPEG", progressive=True),
    "CMYK JPEG": saved(picture("CMYK"), "JPEG"),
    "JPEG cut off": JPEG[:-20],
    "JPEG with something behind it": JPEG + b"\0",
    "GIF": saved(picture("P"), "GIF"),
    "BMP": saved(picture(), "BMP"),
    "WEBP": saved(picture(), "WEBP"),
}


def by_pil(content: bytes, steps: Pretreatment) -> np.ndarray | None:
    try:
        decoded = image.decode(content)
    except PictureError:
        return None
    return image.pretreat(decoded, steps, decoded.size)


def assert_same(content: bytes) -> None:
    """What is decoded the fast way is what PIL makes of it; PIL refuses nothing of that."""
    found = plain.decode(content, PIXELS)
    if found is not None:
        np.testing.assert_array_equal(found, by_pil(content, COLOUR))
        np.testing.assert_array_equal(plain.gray(found)[..., np.newaxis], by_pil(content, GRAY))


@pytest.mark.parametrize("name", PLAIN)
def test_plain_files_take_the_fast_way_to_the_same_pixels(name: str) -> None:
    assert plain.decode(PLAIN[name], PIXELS) is not None
    assert_same(PLAIN[name])


@pytest.mark.parametrize("name", NOT_PLAIN)
def test_other_files_are_left_to_pil(name: str) -> None:
    assert plain.decode(NOT_PLAIN[name], PIXELS) is None


@pytest.mark.parametrize("content", [*PLAIN.values(), *NOT_PLAIN.values()], ids=[*PLAIN, *NOT_PLAIN])
@pytest.mark.parametrize("steps", [GRAY, COLOUR, Pretreatment(Binaryzation=128, Blur=3, Fit="pad")], ids=str)
def test_either_way_the_contract_is_the_same(content: bytes, steps: Pretreatment) -> None:
    try:
        decoded = image.decode(content)
    except PictureError as error:
        with pytest.raises(type(error)):
            image.read(content, steps, (40, 20))
        return
    read = image.read(content, steps, (40, 20))
    np.testing.assert_array_equal(read.pixels, image.pretreat(decoded, steps, (40, 20)))
    assert (read.size, read.animated) == (decoded.size, image.is_animated(image.decode(content)))


def test_larger_pictures_than_allowed_are_not_decoded() -> None:
    assert plain.decode(PNG, 31 * 17) is not None
    assert plain.decode(PNG, 31 * 17 - 1) is None
    assert plain.decode(JPEG, 31 * 17 - 1) is None


def test_gray_is_pils_for_every_blue_and_many_reds_and_greens() -> None:
    red, green, blue = np.meshgrid(np.arange(0, 256, 5), np.arange(0, 256, 3), np.arange(256))
    colours = np.stack([red, green, blue], -1).astype(np.uint8).reshape(-1, 256, 3)
    np.testing.assert_array_equal(plain.gray(colours), np.asarray(Image.fromarray(colours).convert("L")))


@given(
    content=st.sampled_from([PNG, PLAIN["gray PNG"], PLAIN["opaque PNG"], JPEG, PLAIN["JPEG with restarts"]]),
    damage=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), min_size=1, max_size=4),
    cut=st.integers(0, 40),
)
def test_damaged_files_are_read_as_pil_reads_them_or_left_to_it(
    content: bytes, damage: list[tuple[int, int]], cut: int
) -> None:
    damaged = bytearray(content)
    for place, value in damage:
        damaged[place % len(damaged)] = value
    middle = len(damaged) // 2
    assert_same(bytes(damaged))
    assert_same(bytes(damaged[:middle] + damaged[middle + cut :]))
    assert_same(bytes(damaged[: len(damaged) - cut]))


@settings(max_examples=200)
@given(
    st.sampled_from([(0, 1), (2, 3), (6, 4)]),
    st.binary(min_size=1, max_size=200),
    st.sampled_from(["whole", "cut", "flip", "more", "odd check"]),
    st.integers(0, 10_000),
)
def test_a_png_with_right_checksums_around_wrong_data_is_read_as_pil_reads_it(
    kind: tuple[int, int], raw: bytes, fault: str, where: int
) -> None:
    colour, channels = kind
    width = 1 + where % 5
    stream = bytearray(zlib.compress(raw, where % 10))
    if fault == "cut":
        del stream[where % len(stream) :]
    elif fault == "flip":
        stream[where % len(stream)] ^= 1 << where % 8
    elif fault == "more":
        stream += b"abc"
    elif fault == "odd check":
        stream[-1] ^= 1
    height = max(1, len(raw) // (1 + width * channels))
    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    assert_same(plain.PNG_SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", bytes(stream)) + chunk(b"IEND", b""))


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_every_size_reads_the_same(form: str) -> None:
    for seed in range(20):
        content = saved(picture(size=(1 + seed * 7, 1 + seed * 3), seed=seed), form)
        assert plain.decode(content, PIXELS) is not None
        assert_same(content)
