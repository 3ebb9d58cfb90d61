"""How many rows of a stream repeat an earlier one, from their hashes, in bounded memory.

Of very many rows only those count whose hash lies below a bound, which halves whenever they become too many: all copies
of a row are in or out together, so the share among them estimates the share among all.
"""

import numpy as np

__all__ = ["RepeatedRows"]

_MOST_KEPT = 2_000_000
_MERGED_AT = 1_000_000
_PRIME = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)
_WHOLE = 2**64


class RepeatedRows:
    """Counts the rows (m, d) that are added, by what they hold; 0.0 and -0.0 are alike."""

    def __init__(self) -> None:
        self._hashes = np.empty(0, np.uint64)
        self._counts = np.empty(0, np.int64)
        self._bound = _WHOLE
        self._waiting: list[np.ndarray] = []

    def add(self, block: np.ndarray) -> None:
        """Count the rows of a block (m, d) of floats."""
        hashes = _hashes(block)
        self._waiting.append(hashes if self._bound == _WHOLE else hashes[hashes < self._bound])
        if sum(map(len, self._waiting)) >= _MERGED_AT:
            self._merge()

    def share(self) -> float:
        """The share of the rows that repeat an earlier one."""
        self._merge()
        total = int(self._counts.sum())
        return 1 - len(self._counts) / total if total else 0.0

    def _merge(self) -> None:
        waiting, self._waiting = np.concatenate((np.empty(0, np.uint64), *self._waiting)), []
        fresh, counts = np.unique(waiting, return_counts=True)
        both, place = np.unique(np.concatenate((self._hashes, fresh)), return_inverse=True)
        total = np.zeros(len(both), np.int64)
        np.add.at(total, place, np.concatenate((self._counts, counts)))
        while len(both) > _MOST_KEPT:
            self._bound //= 2
            end = int(np.searchsorted(both, np.uint64(self._bound)))
            both, total = both[:end], total[:end]
        self._hashes, self._counts = both, total


def _hashes(block: np.ndarray) -> np.ndarray:
    """(m,) uint64, a multiplicative hash of each row's words of 32 bits, mixed after each."""
    # Adding zero makes -0.0 the same as 0.0; four bytes make a word, whatever the type.
    kind = np.promote_types(block.dtype, np.float32)
    words = np.ascontiguousarray(block.astype(kind) + kind.type(0)).view(np.uint32)
    hashes = np.full(len(block), _PRIME, np.uint64)
    for column in np.ascontiguousarray(words.T):
        hashes ^= column
        hashes *= _PRIME
        hashes ^= hashes >> _SHIFT
    return hashes
