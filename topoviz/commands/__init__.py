"""The commands of the command line: each takes parsed arguments, does its work, returns its JSON document."""
