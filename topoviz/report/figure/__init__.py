"""The composed figure: panels side by side on paper, drawn with matplotlib; the same, linked, as one HTML file."""
