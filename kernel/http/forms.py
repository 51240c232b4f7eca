"""Forms with a file (multipart/form-data), read as they come in.

Fields before the file are kept, within bounds; the file goes to a temporary file,
since its length is known only at its end; fields after it are ignored, as AWS does.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from kernel.bodies import CHUNK, Read
from kernel.errors import (
    EntityTooLarge,
    InsufficientStorage,
    MalformedPOSTRequest,
    MaxPostPreDataLengthExceededError,
    PreconditionFailed,
)

MOST_FIELDS_BYTES = 20 * 1024
MOST_FIELDS = 200
FILE = "file"
IN_MEMORY = 1024 * 1024


@dataclass(slots=True)
class Form:
    """The fields by lower-case name, and the file."""

    fields: dict[str, str] = field(default_factory=dict)
    file_name: str = ""
    file: Any = None
    length: int = 0


def boundary_of(content_type: str) -> bytes:
    """Give the boundary of a form. Raises PreconditionFailed for another type."""
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not boundary:
        raise PreconditionFailed(
            condition="Bucket POST must be of the enclosure-type multipart/form-data"
        )
    return boundary


def accept(form: Form) -> None:
    """Take the file whatever the fields before it say."""


def read_form(
    content_type: str, read: Read, most: int, check: Callable[[Form], None] = accept
) -> Form:
    """Read a form to its end; the caller closes its file.

    `check` is told of the fields before the file's first byte is kept, and may refuse
    it. Raises MalformedPOSTRequest, MaxPostPreDataLengthExceededError, EntityTooLarge
    for a file over `most` bytes, and InsufficientStorage.
    """
    reader = FormReader(most, check)
    parser = MultipartParser(boundary_of(content_type), reader.callbacks())
    try:
        while chunk := read(CHUNK):
            parser.write(chunk)
        parser.finalize()
    except FormParserError:
        raise MalformedPOSTRequest() from None
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise InsufficientStorage() from error
    if not reader.has_ended or reader.form.file is None:
        raise MalformedPOSTRequest()
    reader.form.file.seek(0)
    return reader.form


class FormReader:
    """Gathers what the parser finds."""

    def __init__(self, most: int, check: Callable[[Form], None]) -> None:
        self.form = Form()
        self.has_ended = False
        self._most = most
        self._check = check
        self._header = (bytearray(), bytearray())
        self._headers: dict[bytes, bytes] = {}
        self._value = bytearray()
        self._held = 0
        self._name = ""
        self._is_file = False

    def callbacks(self) -> Any:
        names = (
            "on_part_begin",
            "on_header_field",
            "on_header_value",
            "on_header_end",
            "on_headers_finished",
            "on_part_data",
            "on_part_end",
            "on_end",
        )
        return {name: getattr(self, name) for name in names}

    def on_part_begin(self) -> None:
        self._headers = {}
        self._value = bytearray()
        if len(self.form.fields) > MOST_FIELDS:
            raise MaxPostPreDataLengthExceededError()

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header[0].extend(data[start:end])

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header[1].extend(data[start:end])

    def on_header_end(self) -> None:
        name, value = self._header
        self._hold(len(name) + len(value))
        self._headers[bytes(name).lower()] = bytes(value)
        self._header = (bytearray(), bytearray())

    def on_headers_finished(self) -> None:
        stated = self._headers.get(b"content-disposition", b"")
        kind, options = parse_options_header(stated)
        name = options.get(b"name", b"").decode(errors="replace")
        if kind != b"form-data" or not name:
            raise MalformedPOSTRequest()
        self._name = name.lower()
        self._is_file = self._name == FILE and self.form.file is None
        if self._is_file:
            self.form.file_name = options.get(b"filename", b"").decode(errors="replace")
            self._check(self.form)
            self.form.file = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - closed by the caller

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self.form.length += end - start
            if self.form.length > self._most:
                raise EntityTooLarge(
                    proposed_size=self.form.length, max_size_allowed=self._most
                )
            self.form.file.write(data[start:end])
        elif self.form.file is None:
            self._hold(end - start)
            self._value.extend(data[start:end])

    def on_part_end(self) -> None:
        if not self._is_file and self.form.file is None:
            value = bytes(self._value).decode(errors="replace")
            self.form.fields[self._name] = value
        self._is_file = False

    def on_end(self) -> None:
        self.has_ended = True

    def _hold(self, size: int) -> None:
        self._held += size
        if self._held > MOST_FIELDS_BYTES:
            raise MaxPostPreDataLengthExceededError()
