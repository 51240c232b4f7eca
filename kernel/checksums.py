"""Digests and checksums of bodies, parts and whole objects.

Amazon S3 User Guide, "Checking object integrity in Amazon S3" and "Checking object
integrity for data uploads": which algorithms there are, and how those of a multipart
upload's parts become the object's.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from typing import Final

from awscrt import checksums as crc

from kernel.errors import InvalidChecksumValue, InvalidDigest, InvalidRequest


class ChecksumAlgorithm(StrEnum):
    """The checksums a client may choose; MD5 is always reckoned beside them."""

    CRC32 = "CRC32"
    CRC32C = "CRC32C"
    CRC64NVME = "CRC64NVME"
    SHA1 = "SHA1"
    SHA256 = "SHA256"

    @property
    def header(self) -> str:
        """The header that carries a checksum of this algorithm."""
        return f"x-amz-checksum-{self.lower()}"


class ChecksumType(StrEnum):
    """Whether a multipart object's checksum is of its bytes or of its parts' sums."""

    COMPOSITE = "COMPOSITE"
    FULL_OBJECT = "FULL_OBJECT"


_MD5_BYTES: Final = 16

_CHECKSUM_BYTES: Final = {
    ChecksumAlgorithm.CRC32: 4,
    ChecksumAlgorithm.CRC32C: 4,
    ChecksumAlgorithm.CRC64NVME: 8,
    ChecksumAlgorithm.SHA1: 20,
    ChecksumAlgorithm.SHA256: 32,
}

_CRC: Final[dict[ChecksumAlgorithm, Callable[[bytes, int], int]]] = {
    ChecksumAlgorithm.CRC32: crc.crc32,
    ChecksumAlgorithm.CRC32C: crc.crc32c,
    ChecksumAlgorithm.CRC64NVME: crc.crc64nvme,
}

_COMBINE_CRC: Final[dict[ChecksumAlgorithm, Callable[[int, int, int], int]]] = {
    ChecksumAlgorithm.CRC32: crc.combine_crc32,
    ChecksumAlgorithm.CRC32C: crc.combine_crc32c,
    ChecksumAlgorithm.CRC64NVME: crc.combine_crc64nvme,
}

_TYPES_REFUSED: Final = frozenset(
    {
        (ChecksumAlgorithm.CRC64NVME, ChecksumType.COMPOSITE),
        (ChecksumAlgorithm.SHA1, ChecksumType.FULL_OBJECT),
        (ChecksumAlgorithm.SHA256, ChecksumType.FULL_OBJECT),
    }
)


# Of larger pieces hashlib lets go of the interpreter (its HASHLIB_GIL_MINSIZE), which
# a busy server's other threads then hold for longer than the piece takes.
_HELD_PIECE: Final = 2047
_MOST_HELD: Final = 16 * 1024


def _feed(digest: hashlib._Hash, data: bytes) -> None:
    """Take bytes; few of them in small pieces, at which it keeps the interpreter."""
    if len(data) > _MOST_HELD:
        digest.update(data)
        return
    view = memoryview(data)
    for start in range(0, len(data), _HELD_PIECE):
        digest.update(view[start : start + _HELD_PIECE])


class Hasher:
    """Reckon MD5, and what else is asked for, over bytes that pass by once."""

    __slots__ = ("_crcs", "_md5", "_sha1", "_sha256", "_shas", "size")

    def __init__(
        self, algorithms: Iterable[ChecksumAlgorithm] = (), sha256: bool = False
    ) -> None:
        wanted = frozenset(algorithms)
        self.size = 0
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._crcs = {algorithm: 0 for algorithm in wanted if algorithm in _CRC}
        self._sha1 = (
            hashlib.sha1(usedforsecurity=False)
            if ChecksumAlgorithm.SHA1 in wanted
            else None
        )
        self._sha256 = (
            hashlib.sha256() if sha256 or ChecksumAlgorithm.SHA256 in wanted else None
        )
        self._shas = [sha for sha in (self._sha1, self._sha256) if sha is not None]

    def update(self, data: bytes) -> None:
        """Take the next bytes."""
        self.size += len(data)
        _feed(self._md5, data)
        for sha in self._shas:
            _feed(sha, data)
        for algorithm, value in self._crcs.items():
            self._crcs[algorithm] = _CRC[algorithm](data, value)

    def md5_hex(self) -> str:
        """Return the MD5 so far as an ETag writes it, without quotes."""
        return self._md5.hexdigest()

    def md5_base64(self) -> str:
        """Return the MD5 so far as Content-MD5 writes it."""
        return _base64(self._md5.digest())

    def sha256_hex(self) -> str:
        """Return the SHA-256 so far as x-amz-content-sha256 writes it."""
        return self._digest(ChecksumAlgorithm.SHA256).hex()

    def checksum(self, algorithm: ChecksumAlgorithm) -> str:
        """Return the checksum so far as its header writes it."""
        return _base64(self._digest(algorithm))

    def _digest(self, algorithm: ChecksumAlgorithm) -> bytes:
        if algorithm in self._crcs:
            return _crc_bytes(algorithm, self._crcs[algorithm])
        sha = self._sha1 if algorithm is ChecksumAlgorithm.SHA1 else self._sha256
        if sha is None or algorithm in _CRC:
            raise ValueError(f"{algorithm} was not asked for")
        return sha.digest()


def multipart_etag(part_md5s: Sequence[str]) -> str:
    """Return the ETag of an object whose parts have these MD5s, without quotes."""
    digests = b"".join(bytes.fromhex(md5) for md5 in part_md5s)
    md5 = hashlib.md5(digests, usedforsecurity=False)
    return f"{md5.hexdigest()}-{len(part_md5s)}"


def combine_full_object(
    algorithm: ChecksumAlgorithm, parts: Iterable[tuple[str, int]]
) -> str:
    """Return the whole object's CRC from each part's checksum and size."""
    check_checksum_type(algorithm, ChecksumType.FULL_OBJECT)
    combine = _COMBINE_CRC[algorithm]
    value = 0
    for checksum, size in parts:
        value = combine(value, int.from_bytes(b64decode(checksum)), size)
    return _base64(_crc_bytes(algorithm, value))


def combine_composite(algorithm: ChecksumAlgorithm, parts: Sequence[str]) -> str:
    """Return the checksum of the parts' checksums, with the number of parts."""
    check_checksum_type(algorithm, ChecksumType.COMPOSITE)
    hasher = Hasher([algorithm])
    hasher.update(b"".join(b64decode(checksum) for checksum in parts))
    return f"{hasher.checksum(algorithm)}-{len(parts)}"


def check_checksum_algorithm(name: str) -> ChecksumAlgorithm:
    """Return the algorithm of this name, in either case, or refuse it."""
    try:
        return ChecksumAlgorithm(name.upper())
    except ValueError:
        known = ", ".join(ChecksumAlgorithm)
        raise InvalidRequest(
            "Checksum algorithm provided is unsupported. Please try again with any "
            f"of the valid types: [{known}]"
        ) from None


def default_checksum_type(algorithm: ChecksumAlgorithm) -> ChecksumType:
    """Return the type a multipart upload has when the client names none."""
    if algorithm is ChecksumAlgorithm.CRC64NVME:
        return ChecksumType.FULL_OBJECT
    return ChecksumType.COMPOSITE


def check_checksum_type(algorithm: ChecksumAlgorithm, name: str) -> ChecksumType:
    """Return the type of this name, or refuse one the algorithm cannot have.

    Only CRCs can be combined into the whole's, and AWS offers CRC64NVME in no other
    way ("Checking object integrity for data uploads").
    """
    try:
        checksum_type = ChecksumType(name.upper())
    except ValueError:
        raise InvalidRequest(
            "Value for x-amz-checksum-type header is invalid."
        ) from None
    if (algorithm, checksum_type) in _TYPES_REFUSED:
        raise InvalidRequest(
            f"The {checksum_type} checksum type cannot be used with the "
            f"{algorithm.lower()} checksum algorithm."
        )
    return checksum_type


def check_checksum_value(
    algorithm: ChecksumAlgorithm, value: str, place: str = "header"
) -> None:
    """Refuse a value that is not the base64 of as many bytes as the algorithm has."""
    if len(_decoded(value)) != _CHECKSUM_BYTES[algorithm]:
        raise InvalidChecksumValue(f"Value for {algorithm.header} {place} is invalid.")


def check_content_md5(header: str) -> bytes:
    """Return the 16 bytes of a Content-MD5 header (RFC 1864), or refuse it."""
    digest = _decoded(header)
    if len(digest) != _MD5_BYTES:
        raise InvalidDigest(content_md5=header)
    return digest


def _decoded(value: str) -> bytes:
    """Decode base64; what is not base64 decodes to nothing."""
    try:
        return b64decode(value, validate=True)
    except ValueError:
        return b""


def _base64(data: bytes) -> str:
    return b64encode(data).decode()


def _crc_bytes(algorithm: ChecksumAlgorithm, value: int) -> bytes:
    return value.to_bytes(_CHECKSUM_BYTES[algorithm])
