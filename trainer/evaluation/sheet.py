"""A contact sheet: small pictures side by side, each with a line of text below."""

import io
import math
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from contract.pixels import Pixels

SHEET_WIDTH = 1000  # pixels
GAP = 8  # pixels
TEXT = 14  # height of the letters in pixels
BACKGROUND, INK = (246, 247, 249), (29, 35, 48)


def contact_sheet(pictures: Pixels, texts: Sequence[str]) -> bytes:
    """Return a PNG.

    Args:
        pictures: uint8 [N, H, W, C], gray or RGB; shown pixel by pixel, small ones enlarged.
        texts: one for each; at least one.
    """
    count, height, width, _ = pictures.shape
    scale = max(1, 120 // width)
    font = _font()
    longest = math.ceil(max(font.getlength(text) for text in texts))
    cell = (max(width * scale, longest) + GAP, height * scale + TEXT + 2 * GAP)
    columns = max(1, min(count, (SHEET_WIDTH - GAP) // cell[0]))
    rows = math.ceil(count / columns)
    sheet = Image.new("RGB", (columns * cell[0] + GAP, rows * cell[1] + GAP), BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    for index, (pixels, text) in enumerate(zip(pictures, texts, strict=True)):
        left, top = GAP + index % columns * cell[0], GAP + index // columns * cell[1]
        picture = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).convert("RGB")
        sheet.paste(picture.resize((width * scale, height * scale), Image.Resampling.NEAREST), (left, top))
        draw.text((left, top + height * scale + 2), text, fill=INK, font=font)
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    return buffer.getvalue()


def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return matplotlib's font, which knows far more letters than Pillow's."""
    import matplotlib as mpl  # noqa: PLC0415 - late: it takes a moment

    return ImageFont.truetype(f"{mpl.get_data_path()}/fonts/ttf/DejaVuSans.ttf", TEXT)
