"""The command line: a parser, and one module for each group of commands."""

from topoviz.cli.parser import run

__all__ = ["run"]
