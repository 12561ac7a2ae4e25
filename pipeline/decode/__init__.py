"""Records to columns: as a whole where all is well, one by one where it is not."""

from pipeline.decode.chunk import (
    DecodedChunk,
    Envelope,
    KafkaRecord,
    Part,
    Run,
    decode,
    envelopes,
    shops_with_words,
)

__all__ = [
    "DecodedChunk",
    "Envelope",
    "KafkaRecord",
    "Part",
    "Run",
    "decode",
    "envelopes",
    "shops_with_words",
]
