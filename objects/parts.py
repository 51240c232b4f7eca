"""The parts that an object was uploaded in, as they can be read again."""

from __future__ import annotations

from blobs.models import Part
from kernel.errors import InvalidPartNumber, InvalidPartNumberRange
from kernel.ranges import ByteRange
from kernel.results import ObjectInfo, PartInfo

MOST_PARTS = 10_000
MOST_LISTED = 1000


def check_part_number(number: int) -> None:
    """Raise InvalidPartNumber outside 1 to 10,000."""
    if not 1 <= number <= MOST_PARTS:
        raise InvalidPartNumber(argument_name="partNumber", argument_value=str(number))


def range_of_part(
    info: ObjectInfo, part_number: int
) -> tuple[ByteRange | None, PartInfo | None]:
    """Give where part `part_number` of an object stands (GetObject's partNumber).

    An object that was not uploaded in parts is its own part 1. Raises
    InvalidPartNumberRange when there is no such part.
    """
    check_part_number(part_number)
    if info.part_count is None:
        if part_number != 1:
            raise InvalidPartNumberRange(
                actual_part_count=1, part_number_requested=part_number
            )
        return (ByteRange(0, info.size - 1) if info.size else None), None
    part = Part.objects.filter(whole_id=info.blob_id, position=part_number).first()
    if part is None or part.offset is None:
        raise InvalidPartNumberRange(
            actual_part_count=info.part_count, part_number_requested=part_number
        )
    found = ByteRange(part.offset, part.offset + part.size - 1)
    return (found if part.size else None), read_part(part)


def parts_of(
    info: ObjectInfo, *, after: int = 0, limit: int = MOST_LISTED
) -> list[PartInfo]:
    """List an object's parts in their order (GetObjectAttributes' ObjectParts)."""
    parts = Part.objects.filter(whole_id=info.blob_id, position__gt=after)
    return [read_part(part) for part in parts.order_by("position")[:limit]]


def read_part(part: Part) -> PartInfo:
    return PartInfo(
        part.position or 0, part.etag, part.size, part.created_at, part.checksums
    )
