"""Curating a match: the log of a person's edits, the record that is made of it, two curated matches compared."""
