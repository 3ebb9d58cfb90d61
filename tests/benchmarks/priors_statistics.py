"""What the results of priors.py say: the table, rates with Wilson's intervals, rank correlations and choices.

A record is one training, as priors.py writes it.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import spearmanr

Record = Mapping[str, Any]
DRAWS = 2000
_SCORES = {"critic": "critic loss", "heldout": "held-out NLL"}
_HEADER = (
    f"{'set':16} {'prior':13} {'comp':>4} {'whole':>5} missed spurious distance  excess critic support converged "
    f"{'used':>5} seconds families"
)


def grouped(records: Sequence[Record], *keys: str) -> dict[tuple, list[Record]]:
    """The records by the values of some keys, in the order of their first."""
    found: dict[tuple, list[Record]] = {}
    for record in records:
        found.setdefault(tuple(record[key] for key in keys), []).append(record)
    return found


def mean(records: Sequence[Record], key: str) -> float:
    """Of the values that there are; NaN without any."""
    values = [record[key] for record in records if record[key] is not None]
    return float(np.mean(values)) if values else np.nan


def line(records: Sequence[Record]) -> str:
    """One row of the table: trainings that differ in their seed."""
    first, count = records[0], len(records)
    families: Counter[str] = Counter()
    for record in records:
        families.update({name: weight / count for name, weight in (record["families"] or {}).items()})
    named = ", ".join(f"{name} {weight:.2f}" for name, weight in families.most_common(3))
    return (
        f"{first['set']:16} {first['prior']:13} {first['components']:4} {sum(r['whole'] for r in records):>3}/{count} "
        f"{mean(records, 'missed'):6.2f} {mean(records, 'spurious'):8.2f} {mean(records, 'distance'):8.2f} "
        f"{mean(records, 'excess'):7.3f} {mean(records, 'critic'):6.3f} {mean(records, 'support'):7.2f} "
        f"{sum(r['converged'] for r in records):>7}/{count} {mean(records, 'used'):5.1f} "
        f"{mean(records, 'seconds'):7.1f} {named}"
    )


def table(records: Sequence[Record], by: str) -> str:
    """A row for every set and prior, or number of components."""
    order = sorted({r["set"] for r in records}, key=[r["set"] for r in records].index)
    rows = grouped(sorted(records, key=lambda r: order.index(r["set"])), "set", "prior", "components")
    return "\n".join((f"\nby set and {by}, means over seeds", _HEADER, *(line(rows[key]) for key in rows)))


def wilson(count: float, total: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927)."""
    share, room = count / total, z**2 / total
    middle = (share + room / 2) / (1 + room)
    half = z * np.sqrt(share * (1 - share) / total + room / (4 * total)) / (1 + room)
    return middle - half, middle + half


def rate(hits: Sequence[bool]) -> str:
    """A share with its interval."""
    low, high = wilson(sum(hits), len(hits))
    return f"{sum(hits):3} of {len(hits):3} = {np.mean(hits):.2f} [{low:.2f}, {high:.2f}]"


def correlation(records: Sequence[Record], score: str, seed: int = 0) -> tuple[float, float, float, int]:
    """Spearman's rank correlation of the score with the tree's distance within a set, its mean over the sets and the
    2.5 and 97.5 percentiles of that mean in 2,000 draws of as many sets, and the number of sets in which both vary."""
    within = []
    for own in grouped(records, "set").values():
        pairs = np.array([(r[score], r["distance"]) for r in own if r[score] is not None])
        if len(pairs) > 2 and np.ptp(pairs, axis=0).min() > 0:
            within.append(spearmanr(*pairs.T).statistic)
    if not within:
        return np.nan, np.nan, np.nan, 0
    drawn = np.random.default_rng(seed).choice(within, size=(DRAWS, len(within))).mean(axis=1)
    return float(np.mean(within)), *np.percentile(drawn, [2.5, 97.5]).tolist(), len(within)


def chosen(records: Sequence[Record], score: str) -> Record:
    """The run that a person would take: of the least critic loss or negative log-likelihood, or first of the most
    support, or of those that converged, and among equals of the least negative log-likelihood."""
    first = {"support": lambda r: -r["support"], "converged": lambda r: not r["converged"]}
    return min(records, key=lambda r: (first[score](r), r["heldout"]) if score in first else r[score])


def report(records: Sequence[Record]) -> str:
    """Rates by prior and where each fails, correlations, choices and cost."""
    lines = ["\nwhole trees by prior, with Wilson's 95 % intervals"]
    for (prior,), own in grouped(records, "prior").items():
        lines.append(f"  {prior:13} {rate([r['whole'] for r in own])}   {mean(own, 'seconds'):6.1f} s each")
        if failed := Counter(r["set"] for r in own if not r["whole"]):
            lines.append("    not whole: " + ", ".join(f"{name} {count}" for name, count in failed.items()))
    free = [r for r in records if r["prior"] != "gaussian"]
    lines.append(f"rank correlation with the tree's distance within a set, mean over sets, {DRAWS} bootstraps of sets")
    for title, part in (("all runs", records), ("without gaussian", free)):
        for score in ("critic", "heldout"):
            value, low, high, sets = correlation(part, score)
            lines.append(f"  {title:17} {_SCORES[score]:13} {value:5.2f} [{low:5.2f}, {high:5.2f}] over {sets} sets")
    for title, part in (("all priors", records), ("without gaussian", free)):
        lines += _choices(part, f"a prior for one set and seed, {title}", "set", "seed")
        lines += _choices(part, f"a run for one set, {title}", "set")
    return "\n".join(lines)


def _choices(records: Sequence[Record], title: str, *keys: str) -> list[str]:
    """How often each way to choose one of a group takes a whole tree."""
    groups = [own for own in grouped(records, *keys).values() if len(own) > 1]
    if not groups:
        return []
    ways: dict[str, Callable[[list[Record]], bool]] = {
        f"least {_SCORES['critic']}": lambda own: chosen(own, "critic")["whole"],
        f"least {_SCORES['heldout']}": lambda own: chosen(own, "heldout")["whole"],
        "most support": lambda own: chosen(own, "support")["whole"],
        "converged, least NLL": lambda own: chosen(own, "converged")["whole"],
        "any is whole": lambda own: any(r["whole"] for r in own),
    }
    judged = all(r["critic"] is not None for r in records)
    lines = [f"whole trees when choosing {title} (at random {np.mean([mean(own, 'whole') for own in groups]):.2f})"]
    for way, whole in ways.items():
        if judged or "critic" not in way:
            lines.append(f"  {way:21} {rate([whole(own) for own in groups])}")
    return lines


def by_components(records: Sequence[Record]) -> str:
    """Whole trees, excess and components in use by their number."""
    lines = ["\nwhole trees, median excess and components in use by number of components"]
    for (count,), own in sorted(grouped(records, "components").items()):
        excess = np.median([r["excess"] for r in own])
        lines.append(f"  {count:4} {rate([r['whole'] for r in own])}  {excess:6.3f} nats  {mean(own, 'used'):5.1f}")
    return "\n".join(lines)


def named(records: Sequence[Record], right: Mapping[str, str]) -> str:
    """How often the largest weight of a superposition is that of the right family."""
    lines = ["\nthe family of most weight is the right one"]
    hits = []
    for (name,), own in grouped(records, "set").items():
        most = [max(r["families"], key=r["families"].get) for r in own]
        hits += [family == right[name] for family in most]
        weight = np.mean([r["families"].get(right[name], 0.0) for r in own])
        said = ", ".join(f"{family} {count}" for family, count in Counter(most).most_common())
        lines.append(f"  {name:13} {rate([f == right[name] for f in most])}  mean weight {weight:.2f}  ({said})")
    return "\n".join((*lines, f"  {'all':13} {rate(hits)}"))
