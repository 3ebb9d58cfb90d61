"""For the paper: figures composed in millimetres, a linked figure in one file, tables and words to paste."""
