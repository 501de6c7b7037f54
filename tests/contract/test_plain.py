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
from contract.pretreatment import Pretreatment

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
    "PNG of more than one block": saved(picture(size=(210, 140)), "PNG"),
    "PNG as Windows writes it": with_chunk(with_chunk(PNG, b"gAMA", b"\0\0\xb1\x8f"), b"sRGB", b"\0"),
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


def assert_same(content: bytes) -> bool:
    """What is decoded the fast way is what PIL makes of it; PIL refuses nothing of that. False: it is left to PIL."""
    found = plain.decode(content, PIXELS)
    if found is None:
        return False
    np.testing.assert_array_equal(found, by_pil(content, COLOUR))
    np.testing.assert_array_equal(plain.gray(found)[..., np.newaxis], by_pil(content, GRAY))
    return True


@pytest.mark.parametrize("name", PLAIN)
def test_plain_files_take_the_fast_way_to_the_same_pixels(name: str) -> None:
    assert assert_same(PLAIN[name])


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


@pytest.mark.parametrize("size", [(3, 2), (210, 140)])
@pytest.mark.parametrize("window", [9, 12, 15])
def test_data_is_inflated_the_fast_way_where_its_window_is_the_largest(
    monkeypatch: pytest.MonkeyPatch, window: int, size: tuple[int, int]
) -> None:
    given_to_libpng = []
    decoded = plain._decoded
    monkeypatch.setattr(plain, "_decoded", lambda png, flags: given_to_libpng.append(png) or decoded(png, flags))
    packer = zlib.compressobj(wbits=window)
    content = png(2, *size, packer.compress(rows(2, *size, 1)) + packer.flush())
    assert assert_same(content)
    assert (given_to_libpng == [content]) == (window < 15)
    assert len(given_to_libpng[0]) > size[0] * size[1] * 3 or window < 15


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


def png(colour: int, width: int, height: int, stream: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    return plain.PNG_SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", stream) + chunk(b"IEND", b"")


def rows(colour: int, width: int, height: int, seed: int) -> bytes:
    """Lines of a picture with every kind of filter; with alpha, which is to be opaque, with none."""
    random = np.random.default_rng(seed)
    lines = random.integers(0, 256, (height, 1 + width * CHANNELS[colour]), np.uint8)
    lines[:, 0] %= 5
    if colour == 6:
        lines[:, 0] = 0
        lines[:, 4::4] = 255
    return lines.tobytes()


CHANNELS = {0: 1, 2: 3, 6: 4}
DECODED_ALL_THE_SAME = ("whole", "line too many", "bytes behind")
sizes = st.integers(1, 12)


@settings(max_examples=300)
@given(
    st.sampled_from(sorted(CHANNELS)),
    st.tuples(sizes, sizes),
    st.sampled_from([*DECODED_ALL_THE_SAME, "line too few", "unknown filter", "cut", "flip", "odd check"]),
    st.integers(0, 10_000),
)
def test_a_png_with_right_checksums_around_wrong_data_is_read_as_pil_reads_it(
    colour: int, size: tuple[int, int], fault: str, where: int
) -> None:
    width, height = size
    lines = {"line too many": height + 1, "line too few": height - 1}.get(fault, height)
    raw = bytearray(rows(colour, width, lines, where))
    if fault == "unknown filter":
        raw[where % height * (len(raw) // height)] = 5 + where % 251
    stream = bytearray(zlib.compress(raw, where % 10))
    if fault == "cut":
        del stream[where % len(stream) :]
    elif fault == "flip":
        stream[where % len(stream)] ^= 1 << where % 8
    elif fault == "bytes behind":
        stream += b"abc"
    elif fault == "odd check":
        stream[-1] ^= 1
    decoded = assert_same(png(colour, width, height, bytes(stream)))
    assert decoded or fault not in DECODED_ALL_THE_SAME


ODD_NOTES = {
    "intent of sRGB out of range": [(b"sRGB", b"\4")],
    "sRGB twice": [(b"sRGB", b"\0"), (b"sRGB", b"\0")],
    "gamma twice": [(b"gAMA", b"\0\0\xb1\x8f"), (b"pHYs", bytes(9)), (b"gAMA", b"\0\0\xb1\x8f")],
    "gamma out of range": [(b"gAMA", b"\x80\0\0\0")],
    "resolution twice": [(b"pHYs", bytes(9)), (b"pHYs", bytes(9))],
    "resolution too long": [(b"pHYs", bytes(10))],
    "text without a keyword": [(b"tEXt", b"")],
    "time out of range": [(b"tIME", b"\xff" * 7)],
    "primaries out of range": [(b"cHRM", b"\xff" * 32)],
}


@pytest.mark.parametrize("name", ODD_NOTES)
def test_nothing_is_printed_of_a_png_with_odd_notes(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    content = PNG
    for note in ODD_NOTES[name]:
        content = with_chunk(content, *note)
    assert plain.decode(content, PIXELS) is None
    np.testing.assert_array_equal(image.read(content, COLOUR, (31, 17)).pixels, by_pil(content, COLOUR))
    assert capfd.readouterr().err == ""


def test_nothing_is_printed_of_a_png_with_any_notes(capfd: pytest.CaptureFixture[str]) -> None:
    random = np.random.default_rng(7)
    lengths = {b"sRGB": 1, b"gAMA": 4, b"pHYs": 9, b"tIME": 7, b"tEXt": 5, b"cHRM": 32}
    for _ in range(300):
        content = PNG
        for name in random.permutation(sorted(lengths))[:2].tolist():
            high = random.choice([4, 256])
            content = with_chunk(content, name, random.integers(0, high, lengths[name], np.uint8).tobytes())
        plain.decode(content, PIXELS)
    assert capfd.readouterr().err == ""


def test_large_pictures_are_left_to_pil_which_needs_less_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(plain, "decode", lambda content, most, **_: seen.append((content, most)))
    for most in (1 << 30, 31 * 17):
        image.read(PNG, GRAY, (31, 17), image.Limits(max_pixels=most))
    assert seen == [(PNG, plain.MAX_PIXELS), (PNG, 31 * 17)]
    assert plain.MAX_PIXELS < PIXELS // 10


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_every_size_reads_the_same(form: str) -> None:
    for seed in range(20):
        content = saved(picture(size=(1 + seed * 7, 1 + seed * 3), seed=seed), form)
        assert assert_same(content)
