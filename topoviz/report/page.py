"""What HTML reports share: the page, its tables, and escaped text."""

import html
from collections.abc import Sequence

from topoviz import __version__

__all__ = ["escaped", "page", "table"]

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><style>{style}</style>{script}</head>
<body>
{body}
<footer><p>topoviz {version}</p></footer>
</body></html>
"""
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 68rem; margin: 2rem auto; padding: 0 1rem; color: #1c1f24; }
table { border-collapse: collapse; margin: 1rem 0; font-size: .9rem; }
th, td { padding: .2rem .7rem; border-bottom: 1px solid #d5d9df; text-align: right; vertical-align: top; }
th:first-child, td:first-child, .text { text-align: left; }
.wide { overflow-x: auto; } td.text { min-width: 7rem; } td.text:last-child { min-width: 20rem; }
"""


def page(title: str, style: str, parts: Sequence[str], script: str = "") -> str:
    """A page of HTML `parts` under a plain `title`; `style` is CSS, `script` JavaScript for its head."""
    script = f"<script>{script}</script>" if script else ""
    return _PAGE.format(
        title=escaped(title), style=_STYLE + style, script=script, body="\n".join(parts), version=__version__
    )


def table(head: Sequence[str], rows: Sequence[Sequence[object]], text: Sequence[str] = ()) -> str:
    """A table of plain cells; the columns named in `text` are set as text."""
    kinds = [" class='text'" if name in text else "" for name in head]
    cells = "".join(f"<th{kind}>{escaped(name)}</th>" for name, kind in zip(head, kinds, strict=True))
    body = "".join(
        "<tr>" + "".join(f"<td{kind}>{escaped(cell)}</td>" for cell, kind in zip(row, kinds, strict=True)) + "</tr>"
        for row in rows
    )
    return f"<div class='wide'><table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table></div>"


def escaped(value: object) -> str:
    """A value as HTML text."""
    return html.escape(str(value))
