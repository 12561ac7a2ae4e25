"""Records of one chunk to columns: as a whole where all is well, one by one where it is not."""

from pipeline.decode.chunk import Piece, decode

__all__ = ["Piece", "decode"]
