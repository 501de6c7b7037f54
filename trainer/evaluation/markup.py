"""The HTML that reports are put together from: escaping, tables, bars, and their style in light and dark."""

import html
from collections.abc import Sequence

from trainer.evaluation.metrics import percent

STYLE = """
:root{color-scheme:light dark;--ink:#1d2330;--soft:#5d6675;--line:#d9dee7;--ground:#f6f7f9;--card:#fff;
--accent:#2563c9;--bad:#c2361f;--badground:#fbe3de}
@media(prefers-color-scheme:dark){:root{--ink:#e4e8ef;--soft:#98a2b3;--line:#333b49;--ground:#14181f;--card:#1c222c;
--accent:#6ea2f5;--bad:#ff8a73;--badground:#4a231c}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:64rem;margin:0 auto;padding:1rem}
h1{font-size:1.3rem;margin:.5rem 0;overflow-wrap:anywhere}h2{font-size:1.1rem;margin:0 0 .5rem}
header,section{background:var(--card);border:1px solid var(--line);border-radius:.6rem;padding:1rem;margin:0 0 1rem}
.big{font-size:3.2rem;line-height:1.1;font-weight:700;margin:.2rem 0;color:var(--accent)}
p{margin:.3rem 0}.note{color:var(--soft);font-size:.9rem;margin:0 0 .6rem}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:.25rem .9rem .25rem 0;border-bottom:1px solid var(--line);overflow-wrap:anywhere}
th{color:var(--soft);font-weight:600;font-size:.85rem;overflow-wrap:normal}tr:last-child td{border-bottom:0}
.scroll{overflow-x:auto;margin:0 0 1rem}.scroll:last-child{margin:0}
.wide{width:100%}.wide td:last-child{width:70%}
.facts td:first-child{white-space:nowrap;color:var(--soft);vertical-align:top}
.heat td,.heat th{border:1px solid var(--line);padding:0;width:2rem;min-width:2rem;height:2rem;text-align:center}
.heat td[style]{background:color-mix(in srgb,var(--bad) calc(15% + var(--heat)*75%),transparent)}
.bar{display:flex;align-items:center;gap:.6rem;min-width:9rem}
.bar i{flex:1;height:.55rem;border-radius:.3rem;background:var(--line);overflow:hidden}
.bar i::before{content:"";display:block;height:100%;width:var(--share);background:var(--accent)}
.bar b{font-weight:400;min-width:4.2rem;text-align:right}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(14rem,1fr));gap:.8rem}
figure{margin:0;border:1px solid var(--line);border-radius:.5rem;overflow:hidden;background:var(--ground)}
figure img{display:block;width:100%;max-height:9rem;object-fit:contain;background:#fff;image-rendering:auto}
.none{padding:1.5rem;text-align:center;color:var(--soft)}
figcaption{padding:.5rem .7rem}
dl{display:grid;grid-template-columns:auto 1fr;gap:0 .8rem;margin:0}dt{color:var(--soft);font-size:.85rem}
dd{margin:0}.text{font:600 1.05rem/1.4 ui-monospace,monospace;overflow-wrap:anywhere}
mark{background:var(--badground);color:var(--bad);border-radius:.2rem}
small{color:var(--soft);overflow-wrap:anywhere}code{font-family:ui-monospace,monospace}
"""


def escape(text: str) -> str:
    """Return text as HTML, kept apart from the direction of what is around it."""
    return f"<bdi>{html.escape(text)}</bdi>"


def visible(symbol: str) -> str:
    """Return a symbol as HTML that can be seen: spaces and nothing get signs of their own."""
    shown = {"": "∅", " ": "␣"}.get(symbol, symbol)
    return escape(shown if shown.isprintable() else f"U+{ord(shown[0]):04X}")


def bar(share: float) -> str:
    """Return a share as a bar with its number."""
    return f'<div class=bar><i style="--share:{share:.2%}"></i><b>{percent(share)}</b></div>'


def row(cells: Sequence[str]) -> str:
    """Return a row of a table; the cells are HTML."""
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def table(heading: Sequence[str], rows: Sequence[str], kind: str = "") -> str:
    """Return a table that scrolls by itself where the screen is too narrow for it.

    Args:
        heading: of the columns; may be empty.
        rows: from `row`.
        kind: a class of the style: `wide` gives its last column most of the page, `facts` has names at the left.
    """
    head = f"<tr>{''.join(f'<th>{name}</th>' for name in heading)}</tr>" if heading else ""
    return f"<div class=scroll><table class='{kind}'>{head}{''.join(rows)}</table></div>"


def section(title: str, content: str, note: str = "") -> str:
    """Return a part of the page; content and note are HTML."""
    beside = f"<p class=note>{note}</p>" if note else ""
    return f"<section><h2>{html.escape(title)}</h2>{beside}{content}</section>\n"
