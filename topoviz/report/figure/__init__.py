"""The composed figure: panels side by side on paper, drawn with matplotlib, and as one HTML file with linked panels."""
