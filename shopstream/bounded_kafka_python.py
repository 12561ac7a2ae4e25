"""Batches of kafka-python, of which only the command line reads, bounded as those of aiokafka (`record_batches.py`).

One that cannot be inflated or is damaged has no records, and none from the first on that cannot be unpacked or has an
offset beside the batch's.
"""

import logging
from typing import Any

from shopstream.inflate import MAX_INFLATED, CannotInflate, bound_decoders, replace_name
from shopstream.logs import RateLimit
from shopstream.record_batches import OUT_OF_ORDER

logger = logging.getLogger(__name__)
logger.addFilter(RateLimit())


def bound_kafka_python() -> None:
    """Bounds every consumer of kafka-python that this process makes from now on.

    Raises:
        AttributeError: the installed kafka-python lacks a name that is built on.
    """
    from kafka import codec
    from kafka.errors import CorruptRecordError
    from kafka.record import default_records, legacy_records, memory_records

    class Bounded(default_records.DefaultRecordBatch):  # type: ignore[misc]
        """Without records where it cannot be read."""

        def validate_crc(self) -> bool:
            if not super().validate_crc():
                self._end("is damaged")
            return True

        def _maybe_uncompress(self) -> None:
            try:
                super()._maybe_uncompress()
            except CannotInflate:
                self._end(f"does not inflate to {MAX_INFLATED} bytes or less")

        def __next__(self) -> Any:
            try:
                record = super().__next__()
            except CorruptRecordError:
                self._end("cannot be unpacked")
                raise StopIteration from None
            if not self.base_offset <= record.offset < self.next_offset:
                self._end(OUT_OF_ORDER)
                raise StopIteration
            return record

        def _end(self, why: str) -> None:
            logger.warning("what is left of the batch at offset %d %s", self.base_offset, why)
            self._buffer, self._pos = bytearray(), 0
            self._num_records = self._next_record_index
            self._decompressed = True

    bound_decoders(default_records, legacy_records)
    for name in ("gzip", "snappy", "lz4", "zstd"):
        replace_name(codec, f"has_{name}", lambda: True)
    memory_records.DefaultRecordBatch = Bounded
