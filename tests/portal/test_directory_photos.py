"""Photographs of experts: drawn anew, described in both languages, hostile files refused."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from hematon.portal.accounts.models import Role
from hematon.portal.directory.demonstration import load_demonstration_experts
from hematon.portal.directory.models import Expert, Photo
from hematon.portal.directory.photos import SIDE, UnreadablePhotoError, small_square

PLACE = "/staff/roster/sample-physician-a/photo/"


def picture(kind: str = "PNG", size: tuple[int, int] = (600, 300), **options: Any) -> bytes:
    """A picture of one color."""
    out = io.BytesIO()
    Image.new("RGB", size, "#0b5c5a").save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_becomes_a_square_without_hidden_data(kind: str) -> None:
    """Where it was taken and a page hidden behind it are gone."""
    exif = Image.Exif()
    exif[0x010E] = "canary place"
    made = small_square(picture(kind, exif=exif) + b"<script>canary</script>")
    assert b"canary" not in made
    with Image.open(io.BytesIO(made)) as shown:
        assert (shown.format, shown.size, len(shown.getexif())) == ("JPEG", (SIDE, SIDE), 0)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a picture",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"GIF89a\x01\x00\x01\x00\x00\x00\x00;<script>",
        b"%PDF-1.7",
        picture()[:60],
        picture(size=(30_000, 6_000)),
    ],
)
def test_other_files_are_refused(content: bytes) -> None:
    """No picture, cut off, of another kind, or a flood of pixels."""
    with pytest.raises(UnreadablePhotoError):
        small_square(content)


@pytest.mark.django_db
def test_an_administrator_sets_and_removes_a_photograph(client: Client, signed_in: Any) -> None:
    """It shows with its words in the family's language, and is gone with the expert."""
    load_demonstration_experts()
    staff = signed_in(Role.ADMINISTRATOR)
    given = {"alt_en": "A teal square", "alt_es": "Un cuadrado verde azulado"}

    def file(content: bytes) -> SimpleUploadedFile:
        return SimpleUploadedFile("a.png", content, content_type="image/png")

    page = staff.post(PLACE, {**given, "file": file(b"<html>")}).content.decode()
    assert "must be a JPEG, PNG or WebP picture" in page
    assert "Say in Spanish" in staff.post(PLACE, {"file": file(picture())}).content.decode()
    assert not Photo.objects.exists()
    assert staff.post(PLACE, {**given, "file": file(picture())}).url == "/staff/roster/"
    assert 'alt="A teal square"' in client.get("/en/experts/").content.decode()
    spanish = client.get("/es/experts/sample-physician-a/").content.decode()
    assert 'alt="Un cuadrado verde azulado"' in spanish
    shown = client.get("/en/experts/sample-physician-a/photo.jpg")
    assert shown.headers["Content-Type"] == "image/jpeg"
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    assert client.get("/en/experts/sample-physician-b/photo.jpg").status_code == 404
    Expert.objects.update(active=False)
    assert client.get("/en/experts/sample-physician-a/photo.jpg").status_code == 404
    staff.post(PLACE, {"remove": "yes"})
    assert not Photo.objects.exists()
