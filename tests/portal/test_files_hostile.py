"""T-43: at least 200 hostile files, each with its stated outcome, and mutations of all of them.

`python tools/prove_uploads.py` makes 10,000 mutations and prints what they came to.
"""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.handlers.wsgi import WSGIRequest
from django.test import Client, RequestFactory
from django.utils import timezone
from PIL import Image

from hematon.portal.files import kinds, opening
from hematon.portal.files.actions import REFERRAL_LIMITS
from hematon.portal.files.incoming import InMemory
from hematon.portal.files.kinds import RefusedError
from hematon.portal.ui.middleware import plain_requests
from hostile_files import CANARY, CORPUS, MAX, TAKEN, Hostile
from tool_modules import tool_module

FORMULA = re.compile(r"^\s*[=@＝＠]|^\s*[+\-]\D*[A-Za-z(|]")


def opened(one: Hostile) -> tuple[str, opening.Kept | None]:
    """Open a file as `take` would; give why it was refused, or what is kept."""
    try:
        content = opening.whole(SimpleUploadedFile("name", one.made()))
        return TAKEN, opening.to_keep(one.name, content, REFERRAL_LIMITS.kinds)
    except RefusedError as refused:
        return refused.code, None


def test_the_corpus_is_large_enough() -> None:
    """T-43: 200 files and more, no two the same, each outcome one that has words."""
    assert len({one.what for one in CORPUS}) == len(CORPUS) >= 200
    assert {one.outcome for one in CORPUS} - {TAKEN} <= set(kinds.WORDS)
    # Every refusal that a file alone can earn is earned by one of them.
    by_others = {"none", "virus", "many", "total", "failed"}
    assert {one.outcome for one in CORPUS} >= set(kinds.WORDS) - by_others


@pytest.mark.parametrize("one", CORPUS, ids=lambda one: one.what)
def test_a_hostile_file_has_its_stated_outcome(one: Hostile) -> None:
    """T-43: refused with its code, or kept with nothing of it left that acts unnamed."""
    outcome, kept = opened(one)
    assert outcome == one.outcome
    if kept is None:
        return
    assert set(one.flags) <= set(kept.flags)
    shown = kinds.shown_name(one.name)
    assert 0 < len(shown) <= kinds.NAME_LENGTH
    assert not set(shown) & set("\0\r\n/\\\u202e\u200b")
    if kept.kind == "jpeg":
        for left in (CANARY, b"<script", b"<?php", b"Exif", b"ICC_PROFILE", b"Photoshop"):
            assert left not in kept.content
        with Image.open(io.BytesIO(kept.content)) as image:
            assert (image.format, dict(image.getexif())) == ("JPEG", {})
            assert max(image.size) <= 3000
    if kept.kind == "csv":
        lines = kept.content.decode().splitlines()
        cells = [cell for line in lines for cell in re.split(r"[,;|\t]", line)]
        assert not [cell for cell in cells if FORMULA.match(cell.strip(' "'))]


def test_honest_pdfs_have_no_flags() -> None:
    """Otherwise staff would learn to read over them."""
    honest = [one for one in CORPUS if one.what.startswith("PDF: ")]
    assert len(honest) == 3
    assert [opened(one)[1].flags for one in honest] == [()] * 3  # type: ignore[union-attr]


@pytest.mark.parametrize("size", [2 * 1024**3, 64_000_001, 10**30])
def test_two_gigabytes_that_are_announced_are_not_read(size: int, client: Client) -> None:
    """T-43: refused by the length alone, on any page that takes files."""

    class Unread(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise AssertionError("the body was read")

    answer = client.generic("POST", "/en/blood-counts/paste/", b"", CONTENT_LENGTH=str(size))
    assert answer.status_code in (400, 413)
    request = RequestFactory().post("/en/get-care/")
    request.META["CONTENT_LENGTH"] = str(size)
    request._stream = Unread()  # type: ignore[attr-defined]
    with pytest.raises(RequestDataTooBig):
        plain_requests(lambda request: pytest.fail("it went on"))(request)


def test_two_gigabytes_in_chunks_that_announce_nothing_are_not_read(client: Client) -> None:
    """T-43: a body without a length is no body; none of an endless stream is asked for."""

    class Endless(io.RawIOBase):
        asked = 0

        def read(self, size: int = -1) -> bytes:
            self.asked += max(size, 1)
            return b"x" * max(size, 1)

    stream = Endless()
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/en/blood-counts/upload/",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "HTTP_HOST": "localhost",
        "HTTP_TRANSFER_ENCODING": "chunked",
        "CONTENT_TYPE": "multipart/form-data; boundary=x",
        "wsgi.input": stream,
        "wsgi.url_scheme": "http",
        "wsgi.errors": io.StringIO(),
    }
    request = WSGIRequest(environ)
    assert dict(request.FILES) == {}
    assert dict(request.POST) == {}
    assert stream.asked == 0


def test_two_gigabytes_that_arrive_anyway_are_let_by() -> None:
    """T-43: at most 15 MB of them are ever held, and none of them on a disk."""
    taken, piece = InMemory(), b"x" * 1024 * 1024
    taken.new_file("file", "a.jpg", "image/jpeg", None)
    for _ in range(2048):
        taken.receive_data_chunk(piece, 0)
        assert taken.kept.getbuffer().nbytes <= MAX
    file = taken.file_complete(0)
    assert file.size == 2 * 1024**3
    with pytest.raises(RefusedError, match="size"):
        opening.whole(file)


@pytest.mark.django_db(transaction=True)
def test_mutated_files_are_taken_or_refused(tmp_path: Path, settings: Any) -> None:
    """T-43: 300 of them: 0 crashes, every outcome a code, what is taken comes out as it was."""
    settings.MEDIA_ROOT = tmp_path
    prove = tool_module("prove_uploads")
    counted = prove.run(count=300, seed=11, at=timezone.now())
    assert sum(counted.values()) == 300
    assert set(counted) - {"taken"} <= set(kinds.WORDS)
    # Neither all nor none: the mutations reach behind the first bytes.
    assert counted["taken"] > 20
    assert counted["damaged"] > 20
