"""Every translator on one pair of latent spaces, judged by the same figures of merit."""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from core.baselines.merits import Merit, merit
from core.baselines.methods import TRANSLATORS, problem, translate
from core.baselines.types import Latents, Method, Pairs, Translator
from core.errors import InputError

__all__ = ["Row", "compare", "ranked"]


@dataclass(frozen=True, eq=False)
class Row:
    """What became of one method: `status` 'done', 'not applicable' or 'failed', with a `reason` for the last two;
    where it is done the `carry` it found, its `merit` and the `seconds` of processor time it took."""

    name: str
    status: Literal["done", "not applicable", "failed"]
    reason: str = ""
    carry: Translator | None = None
    merit: Merit | None = None
    seconds: float | None = None

    @property
    def method(self) -> Method:
        """What is known of the method."""
        return TRANSLATORS[self.name]


def compare(
    methods: Iterable[str],
    source: Latents,
    target: Latents,
    fitted: Pairs | None = None,
    judged: Pairs | None = None,
    seed: int = 0,
) -> Iterator[Row]:
    """A row for each method as it is done: methods that use pairs get `fitted`, all are judged by `judged`.

    A method that does not apply, or does not converge, has a row that says so. Raises `InputError` for a name that is
    none.
    """
    for name in methods:
        reason = problem(name, source, target, fitted)
        yield (
            _row(name, source, target, fitted, judged, seed) if reason is None else Row(name, "not applicable", reason)
        )


def ranked(rows: Iterable[Row]) -> Sequence[Row]:
    """The rows from best to worst: by R^2 on pairs, else by the pair-free score, else by the distance of the clouds;
    then those with nothing to show."""
    return sorted(rows, key=_rank)


def _rank(row: Row) -> tuple[float, ...]:
    if row.merit is None:
        return (3, 0)
    if row.merit.r2 is not None:
        return (0, -row.merit.r2)
    return (1, -row.merit.score) if row.merit.score is not None else (2, row.merit.sliced_wasserstein)


def _row(name: str, source: Latents, target: Latents, fitted: Pairs | None, judged: Pairs | None, seed: int) -> Row:
    start = time.process_time()
    try:
        carry = translate(name, source, target, fitted, seed)
    except InputError as error:
        return Row(name, "failed", str(error))
    seconds = time.process_time() - start
    return Row(name, "done", "", carry, merit(carry, source, target, judged, seed), seconds)
