"""Records of one chunk to columns: as a whole where all is well, one by one where it is not."""

from pipeline.decode.chunk import DecodedChunk, Envelope, decode, envelopes

__all__ = ["DecodedChunk", "Envelope", "decode", "envelopes"]
