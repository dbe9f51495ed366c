"""Photographs of experts: any picture in, a small square JPEG without hidden data out."""

from __future__ import annotations

import io
import warnings

from PIL import Image, ImageOps, UnidentifiedImageError

SIDE = 384
MOST_BYTES = 5_000_000
MOST_PIXELS = 40_000_000
_FORMATS = ("JPEG", "PNG", "WEBP")


class UnreadablePhotoError(Exception):
    """The file is no picture that can be used; the message says what to do."""


def small_square(content: bytes) -> bytes:
    """Give the picture as a square JPEG, drawn anew, so that nothing else in the file stays.

    Raises:
        UnreadablePhotoError: it is no JPEG, PNG or WebP, or too large.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=_FORMATS) as picture:
                if picture.width * picture.height > MOST_PIXELS:
                    raise UnreadablePhotoError("The picture has too many pixels. Make it smaller")
                upright = ImageOps.exif_transpose(picture).convert("RGB")
    except UnreadablePhotoError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UnreadablePhotoError("The picture has too many pixels. Make it smaller") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise UnreadablePhotoError("The file must be a JPEG, PNG or WebP picture") from error
    out = io.BytesIO()
    ImageOps.fit(upright, (SIDE, SIDE)).save(out, "JPEG", quality=85)
    return out.getvalue()
