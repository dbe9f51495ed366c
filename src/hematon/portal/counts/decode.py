"""Opens a hostile picture or PDF in a process of its own and gives back plain JPEG pictures.

Run as `python -I decode.py KIND < file`, with nothing of Hematon imported. The process limits its
own memory, time and files before it looks at the first byte, so that a bomb ends this process and
nothing else. It writes one line of JSON, then the pictures one behind the other. The JPEGs are
made from pixels alone: no position, no camera, no script and no tail of the file survives.
"""

from __future__ import annotations

import io
import json
import resource
import sys
from typing import Any

MEMORY = 640 * 1024 * 1024
CPU_SECONDS = 20
MAX_BYTES = 15 * 1024 * 1024
MEGAPIXELS = 40
MAX_PAGES = 200
PAGES_SHOWN = 5
LONGEST_SIDE = 2000
TEXT = 20_000


def main() -> None:
    """Read the file, answer, end."""
    kind = sys.argv[1]
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    content = sys.stdin.buffer.read(MAX_BYTES + 1)
    pictures: list[bytes] = []
    said: dict[str, Any] = {"problem": "", "text": ""}
    if len(content) > MAX_BYTES:
        said["problem"] = "size"
    elif kind == "pdf":
        said.update(_pdf(content, pictures))
    else:
        said["problem"] = _image(content, kind, pictures)
    said["sizes"] = [len(picture) for picture in pictures]
    out = sys.stdout.buffer
    out.write(json.dumps(said).encode() + b"\n")
    for picture in pictures:
        out.write(picture)


def _image(content: bytes, kind: str, pictures: list[bytes]) -> str:
    from PIL import Image, ImageOps

    Image.MAX_IMAGE_PIXELS = None  # our own limit is below, before any pixel is read
    try:
        with Image.open(io.BytesIO(content), formats=[kind.upper()]) as image:
            pixels = image.width * image.height
            # A progressive JPEG is held whole, with 2 bytes for each channel of each pixel.
            channels = 4 if image.mode == "CMYK" else 3
            if pixels * channels > MEGAPIXELS * 3_000_000:
                return "pixels"
            image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
            image.load()
            turned = ImageOps.exif_transpose(_smaller(image))
            pictures.append(_jpeg(turned))
    except MemoryError:
        raise
    except Exception:  # a decoder may fail in any way; each means that it is no such picture
        return "damaged"
    return ""


def _smaller(image: Any) -> Any:
    from PIL import Image

    if image.mode in ("RGBA", "LA") or image.mode.startswith("I"):
        # Fine resizing copies such a picture whole; taking every n-th pixel first does not.
        share = min(1.0, 1.5 * LONGEST_SIDE / max(image.size))
        size = tuple(max(1, int(side * share)) for side in image.size)
        image = image.resize(size, Image.Resampling.NEAREST)
    if image.mode.startswith("I"):
        image = image.convert("I").point(lambda value: value / 256).convert("L")
    if image.mode not in ("RGB", "L", "RGBA"):
        clear = image.mode == "LA" or "transparency" in image.info
        image = image.convert("RGBA" if clear else "RGB")
    if max(image.size) > LONGEST_SIDE:
        image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    return image


def _jpeg(image: Any) -> bytes:
    from PIL import Image

    if image.mode == "RGBA":
        paper = Image.new("RGB", image.size, "white")
        paper.paste(image, mask=image.getchannel("A"))
        image = paper
    # A fresh picture, so that nothing but pixels is written.
    clean = Image.new("RGB", image.size)
    clean.paste(image)
    out = io.BytesIO()
    clean.save(out, "JPEG", quality=82)
    return out.getvalue()


def _pdf(content: bytes, pictures: list[bytes]) -> dict[str, str]:
    import pypdfium2
    from pypdfium2.raw import FPDF_ERR_PASSWORD

    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        code = getattr(error, "err_code", None)
        return {"problem": "encrypted" if code == FPDF_ERR_PASSWORD else "damaged"}
    if len(document) > MAX_PAGES:
        return {"problem": "pages"}
    text = ""
    try:
        # Forms are not initialized: no script in the file runs, nothing in it is launched.
        for index in range(min(len(document), PAGES_SHOWN)):
            page = document[index]
            width, height = page.get_size()
            longest = max(width, height)
            if longest > 0:
                bitmap = page.render(scale=min(LONGEST_SIDE / longest, 3.0))
                pictures.append(_jpeg(bitmap.to_pil()))
            if len(text) < TEXT:
                layer = page.get_textpage()
                text += layer.get_text_range(0, min(layer.count_chars(), TEXT)) + "\n"
    except MemoryError:
        raise
    except Exception:  # as above
        pictures.clear()
        return {"problem": "damaged"}
    return {"text": text[:TEXT]} if pictures else {"problem": "damaged"}


if __name__ == "__main__":
    main()
