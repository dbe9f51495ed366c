"""How an upload arrives: in memory, in bounded chunks, never in a temporary file on a disk."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from django.core.files.uploadedfile import InMemoryUploadedFile, UploadedFile
from django.core.files.uploadhandler import FileUploadHandler

from hematon.portal.files.kinds import MAX_BYTES


class InMemory(FileUploadHandler):
    """Takes what arrives up to the limit and lets the rest pass by."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Begin a file."""
        super().new_file(*args, **kwargs)
        self.kept, self.size = BytesIO(), 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Keep a chunk while the file is within the limit."""
        self.size += len(raw_data)
        if self.size <= MAX_BYTES:
            self.kept.write(raw_data)
        else:
            self.kept = BytesIO()

    def file_complete(self, file_size: int) -> UploadedFile[bytes]:
        """Give the file; one that was too large keeps its size and loses its content."""
        self.kept.seek(0)
        return InMemoryUploadedFile(
            self.kept,
            self.field_name,
            self.file_name or "file",
            self.content_type or "",
            self.size,
            self.charset,
            self.content_type_extra,
        )
