"""Records to columns: as a whole where all is well, one by one where it is not."""

from pipeline.decode.chunk import DecodedChunk, KafkaRecord, Part, Run, decode

__all__ = ["DecodedChunk", "KafkaRecord", "Part", "Run", "decode"]
