"""Opens a hostile picture, PDF or JSON in a process of its own and says what it is.

Run as `python -I decode.py KIND PURPOSE < file`, with nothing of Hematon imported. The process
limits its own memory, time and files before it looks at the first byte, so that a bomb ends this
process and nothing else. It writes one line of JSON, then the pictures one behind the other. The
JPEGs are made from pixels alone: no position, no camera, no script and no tail of the file
survives. PURPOSE is `show` (a PDF becomes pictures of its first pages) or `keep` (a picture large
enough to read a printed page from; of a PDF only what acts in it).
"""

from __future__ import annotations

import io
import json
import re
import resource
import sys
import zlib
from typing import Any

MEMORY = 640 * 1024 * 1024
CPU_SECONDS = 20
MAX_BYTES = 15 * 1024 * 1024
MAX_JSON_BYTES = 5 * 1024 * 1024
MEGAPIXELS = 40
MAX_PAGES = 200
PAGES_SHOWN = 5
LONGEST_SIDE = {"show": 2000, "keep": 3000}
QUALITY = {"show": 82, "keep": 90}
TEXT = 20_000
PROBE = 200
"""Longest side of the picture that proves that a page of a kept PDF can be drawn."""
INFLATED = 32 * 1024 * 1024
"""Bytes of object streams that are looked through for what acts."""
ACTING = {
    "javascript": {b"JavaScript", b"JS"},
    "launch": {b"Launch", b"RichMedia", b"GoToR", b"GoToE", b"Movie", b"Rendition"},
    "embedded": {b"EmbeddedFile", b"EmbeddedFiles", b"EF"},
    "form": {b"SubmitForm", b"ImportData", b"XFA"},
    "link": {b"URI"},
}
"""Names that a PDF uses for what acts when it is opened (ISO 32000-1, 7.11.4, 12.6.4, 13)."""


def main() -> None:
    """Read the file, answer, end."""
    kind, purpose = sys.argv[1:3]
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    content = sys.stdin.buffer.read(MAX_BYTES + 1)
    pictures: list[bytes] = []
    said: dict[str, Any] = {"problem": "", "text": "", "flags": []}
    if len(content) > MAX_BYTES:
        said["problem"] = "size"
    elif kind == "json":
        said["problem"] = _bundle(content)
    elif kind == "pdf" and purpose == "keep":
        said.update(_whole_pdf(content))
    elif kind == "pdf":
        said.update(_pdf(content, pictures))
    else:
        said["problem"] = _image(content, kind, purpose, pictures)
    said["sizes"] = [len(picture) for picture in pictures]
    out = sys.stdout.buffer
    out.write(json.dumps(said).encode() + b"\n")
    for picture in pictures:
        out.write(picture)


def _bundle(content: bytes) -> str:
    def refuse(name: str) -> None:
        raise ValueError(name)

    try:
        said = json.loads(content.decode("utf-8-sig"), parse_constant=refuse)
    except (ValueError, RecursionError):
        return "json"
    known = isinstance(said, dict) and said.get("resourceType") == "Bundle"
    return "" if known else "json"


def _image(content: bytes, kind: str, purpose: str, pictures: list[bytes]) -> str:
    from PIL import Image, ImageOps

    Image.MAX_IMAGE_PIXELS = None  # our own limit is below, before any pixel is read
    try:
        with Image.open(io.BytesIO(content), formats=[kind.upper()]) as image:
            pixels = image.width * image.height
            # A progressive JPEG is held whole, with 2 bytes for each channel of each pixel.
            channels = 4 if image.mode == "CMYK" else 3
            if pixels * channels > MEGAPIXELS * 3_000_000:
                return "pixels"
            longest = LONGEST_SIDE[purpose]
            share = longest / max(image.size)
            # A JPEG can be read at a half or a quarter of its size, never below what is asked.
            wide, high = (max(1, int(side * share)) for side in image.size)
            image.draft("RGB", (wide, high))
            image.load()
            turned = ImageOps.exif_transpose(_smaller(image, longest))
            pictures.append(_jpeg(turned, QUALITY[purpose]))
    except MemoryError:
        raise
    except Exception:  # a decoder may fail in any way; each means that it is no such picture
        return "damaged"
    return ""


def _smaller(image: Any, longest: int) -> Any:
    from PIL import Image

    if image.mode in ("RGBA", "LA", "P") or image.mode.startswith("I"):
        # Fine resizing copies such a picture whole; taking every n-th pixel first does not.
        share = min(1.0, 3000 / max(image.size))
        size = tuple(max(1, int(side * share)) for side in image.size)
        image = image.resize(size, Image.Resampling.NEAREST)
    if image.mode.startswith("I"):
        image = image.convert("I").point(lambda value: value / 256).convert("L")
    if image.mode not in ("RGB", "L", "RGBA"):
        clear = image.mode == "LA" or "transparency" in image.info
        image = image.convert("RGBA" if clear else "RGB")
    if max(image.size) > longest:
        image.thumbnail((longest, longest))
    return image


def _jpeg(image: Any, quality: int) -> bytes:
    from PIL import Image

    if image.mode == "RGBA":
        paper = Image.new("RGB", image.size, "white")
        paper.paste(image, mask=image.getchannel("A"))
        image = paper
    # A fresh picture, so that nothing but pixels is written.
    clean = Image.new("RGB", image.size)
    clean.paste(image)
    out = io.BytesIO()
    clean.save(out, "JPEG", quality=quality)
    return out.getvalue()


def _opened(content: bytes) -> tuple[Any, str]:
    import pypdfium2
    from pypdfium2.raw import FPDF_ERR_PASSWORD

    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        code = getattr(error, "err_code", None)
        return None, "encrypted" if code == FPDF_ERR_PASSWORD else "damaged"
    if len(document) > MAX_PAGES:
        return None, "pages"
    return document, ""


def _whole_pdf(content: bytes) -> dict[str, Any]:
    document, problem = _opened(content)
    if problem:
        return {"problem": problem}
    try:
        for index in range(len(document)):
            page = document[index]
            longest = max(page.get_size())
            if index < PAGES_SHOWN and longest > 0:
                page.render(scale=min(PROBE / longest, 1.0)).close()
            page.close()
    except MemoryError:
        raise
    except Exception:  # as above
        return {"problem": "damaged"}
    return {"flags": _acting(content)} if len(document) else {"problem": "damaged"}


def _acting(content: bytes) -> list[str]:
    """Name what acts. Looks into compressed objects too; one that cannot be read is named."""
    found: set[str] = set()
    left = INFLATED
    texts = [content]
    for place in re.finditer(rb"/ObjStm\b", content):
        start = re.compile(rb"stream\r?\n").search(content, place.end(), place.end() + 2000)
        try:
            if start is None:
                raise zlib.error
            text = zlib.decompressobj().decompress(content[start.end() :], max(left, 1))
        except zlib.error:
            found.add("hidden")
            continue
        left -= len(text)
        texts.append(text)
    if left <= 0:
        found.add("hidden")
    for text in texts:
        for match in re.finditer(rb"/([A-Za-z0-9#]{2,40})", text):
            name = re.sub(rb"#([0-9A-Fa-f]{2})", lambda m: bytes([int(m[1], 16)]), match[1])
            found.update(flag for flag, names in ACTING.items() if name in names)
    return sorted(found)


def _pdf(content: bytes, pictures: list[bytes]) -> dict[str, str]:
    document, problem = _opened(content)
    if problem:
        return {"problem": problem}
    text = ""
    try:
        # Forms are not initialized: no script in the file runs, nothing in it is launched.
        for index in range(min(len(document), PAGES_SHOWN)):
            page = document[index]
            width, height = page.get_size()
            longest = max(width, height)
            if longest > 0:
                bitmap = page.render(scale=min(LONGEST_SIDE["show"] / longest, 3.0))
                pictures.append(_jpeg(bitmap.to_pil(), QUALITY["show"]))
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
