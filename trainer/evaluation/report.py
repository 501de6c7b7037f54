"""report.html: how good a model is, on one page that needs nothing else. Pure: data in, HTML out."""

import base64
import html
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from contract.formats import format_of
from contract.measured import AcceptLine
from trainer.evaluation.charts import STYLE as CHART_STYLE
from trainer.evaluation.charts import line_chart
from trainer.evaluation.confusion import Pair, align, by_symbol, errors_of, pairs_of
from trainer.evaluation.history import Reading
from trainer.evaluation.markup import STYLE, bar, escape, row, section, table, visible
from trainer.evaluation.metrics import Score, by_length, percent, score

HEAT_SYMBOLS = 40  # at most, those of the most errors: a larger map could not be read
CONFUSIONS = 30  # lines of the table
PICTURE_BYTES = 24 * 1024 * 1024  # of pictures in one page; a browser on a phone opens that still


@dataclass(frozen=True)
class Item:
    """A picture and what was read from it.

    Attributes:
        name: where the picture came from.
        label: what it should read as.
        text: what was read.
        confidence: of the text, 0..1.
        picture: its file.
    """

    name: str
    label: str
    text: str
    confidence: float
    picture: bytes


@dataclass(frozen=True)
class Report:
    """What a report shows.

    Attributes:
        title: name and version of the model.
        items: the whole test set.
        accept: the table of thresholds.
        history: readings of the test set during training; empty if they are gone.
        facts: what the run was made with, name and value.
        suspects: pictures of the whole set whose labels a network that never saw them contradicts.
        warning: why the score may say too much; empty if nothing is known against it.
    """

    title: str
    items: Sequence[Item]
    accept: Sequence[AcceptLine]
    history: Sequence[Reading] = ()
    facts: Sequence[tuple[str, str]] = ()
    suspects: Sequence[Item] = ()
    warning: str = ""

    @property
    def score(self) -> Score:
        """On the whole test set."""
        return score([item.label for item in self.items], [item.text for item in self.items])

    @property
    def errors(self) -> list[Item]:
        """What was read wrong, the most confident first."""
        wrong = [item for item in self.items if item.text != item.label]
        return sorted(wrong, key=lambda item: (-item.confidence, item.name))


def render(report: Report) -> str:
    """Return the page."""
    sections = [
        _curves(report.history),
        _accept(report.accept),
        _lengths(report.items),
        _symbols(report.items),
        _confusions(report.items),
        _gallery(
            "Every test picture read wrong",
            report.errors,
            "The confident ones first: it is often their label that is wrong.",
        ),
        _suspects(report.suspects),
        _facts(report.facts),
    ]
    return _page(report.title, [_headline(report), *sections])


def render_suspects(title: str, sentence: str, suspects: Sequence[Item]) -> str:
    """Return a page of the suspects alone, for a set that no model has been trained on yet.

    Args:
        title: name of the model to be.
        sentence: what the search came to.
        suspects: as in a report.
    """
    heading = f"<header><h1>{escape(title)}</h1><p class=big>{len(suspects):,}</p><p>{escape(sentence)}</p></header>\n"
    return _page(title, [heading, _suspects(suspects)])


def _page(title: str, parts: Sequence[str]) -> str:
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="data:,">'  # else a browser asks for one and complains
        f"<title>{html.escape(title)}</title><style>{STYLE}{CHART_STYLE}</style></head>\n<body><main>"
        f"{''.join(parts)}</main></body></html>\n"
    )


def _headline(report: Report) -> str:
    result = report.score
    low, high = result.interval
    warning = f"<p><strong>Warning: {escape(report.warning)}.</strong></p>" if report.warning else ""
    return (
        f"<header><h1>{escape(report.title)}</h1><p class=big>{percent(result.accuracy)}</p>"
        f"<p>of {result.pictures:,} test pictures read without any error (95&nbsp;% interval {percent(low)} to "
        f"{percent(high)}); {result.pictures - result.correct:,} wrong; character error rate "
        f"{percent(result.character_error_rate)}</p>{warning}</header>\n"
    )


def _curves(history: Sequence[Reading]) -> str:
    shown = [line for line in history if math.isfinite(line.loss)]
    if len(shown) < 2:
        return ""
    steps = [float(line.step) for line in shown]
    accuracy = line_chart("whole texts right, %", steps, [100 * line.accuracy for line in shown])
    loss = line_chart("mean loss, nats", steps, [line.loss for line in shown], logarithmic=True)
    return section("Training", f"<div class=charts>{accuracy}{loss}</div>")


def _accept(lines: Sequence[AcceptLine]) -> str:
    rows = [
        row([f"≥ {line.Confidence:g}", percent(line.Accepted), "" if line.Right is None else percent(line.Right)])
        for line in lines
    ]
    note = "Accept only texts of at least this confidence. The table is in the model's YAML, too."
    return section("Which confidence to ask for", table(["confidence", "accepted", "right of those"], rows), note)


def _lengths(items: Sequence[Item]) -> str:
    scores = by_length([item.label for item in items], [item.text for item in items])
    rows = [row([str(length), f"{one.pictures:,}", bar(one.accuracy)]) for length, one in scores.items()]
    return section("By length of the label", table(["length", "pictures", "read right"], rows, "wide"))


def _symbols(items: Sequence[Item]) -> str:
    symbols = by_symbol(pairs_of([item.label for item in items], [item.text for item in items]))
    rows = [row([visible(symbol), f"{total:,}", bar(right / total)]) for symbol, (right, total) in symbols.items()]
    return section("By symbol", table(["symbol", "in labels", "read right"], rows, "wide"), "The worst read first.")


def _confusions(items: Sequence[Item]) -> str:
    errors = errors_of(pairs_of([item.label for item in items], [item.text for item in items]))
    total = errors.total()
    if not total:
        return ""
    rows = [
        row([visible(truth), visible(read), f"{count:,}", percent(count / total)])
        for (truth, read), count in errors.most_common(CONFUSIONS)
    ]
    heading = ["truth", "read as", "times", "of all errors"]
    note = f"{total:,} wrong symbols; ∅ stands for none there. In the map, rows are the truth, columns what was read."
    return section("Confusions", _heat_map(errors) + table(heading, rows), note)


def _heat_map(errors: Counter[Pair]) -> str:
    """Return the errors as a table of colours: a row for each true symbol, a column for each that was read."""
    truths, reads = (_most_wrong(errors, side) for side in (0, 1))
    most = max(errors.values())
    head = "".join(f"<th>{visible(symbol)}</th>" for symbol in reads)
    body = "".join(
        f"<tr><th>{visible(truth)}</th>{''.join(_cell(errors[truth, read], most) for read in reads)}</tr>"
        for truth in truths
    )
    return f"<div class=scroll><table class=heat><tr><th></th>{head}</tr>{body}</table></div>"


def _most_wrong(errors: Counter[Pair], side: int) -> list[str]:
    weight: Counter[str] = Counter()
    for pair, count in errors.items():
        weight[pair[side]] += count
    return sorted(symbol for symbol, _ in weight.most_common(HEAT_SYMBOLS))


def _cell(count: int, most: int) -> str:
    return f'<td style="--heat:{count / most:.2f}">{count}</td>' if count else "<td></td>"


def _gallery(title: str, items: Sequence[Item], note: str, label: str = "truth") -> str:
    if not items:
        return section(title, "<p>None.</p>")
    cards, left = [], PICTURE_BYTES
    for item in items:
        left -= len(item.picture)
        cards.append(_card(item, label, with_picture=left >= 0))
    return section(f"{title}: {len(items):,}", f"<div class=cards>{''.join(cards)}</div>", note)


def _card(item: Item, label: str, *, with_picture: bool) -> str:
    truth, read = "", ""
    for left, right in align(item.label, item.text):
        mark = "{}" if left == right else "<mark>{}</mark>"
        truth += mark.format(visible(left)) if left else ""
        read += mark.format(visible(right)) if right else ""
    kind = (format_of(item.picture) or "PNG").lower()
    source = f"data:image/{kind};base64,{base64.b64encode(item.picture).decode()}"
    picture = f'<img alt="" src="{source}">' if with_picture and item.picture else "<div class=none>no picture</div>"
    return (
        f"<figure>{picture}<figcaption><dl><dt>{label}</dt><dd class=text>{truth or visible('')}</dd>"
        f"<dt>read</dt><dd class=text>{read or visible('')}</dd>"
        f"<dt>confidence</dt><dd>{percent(item.confidence)}</dd></dl>"
        f"<small>{escape(item.name)}</small></figcaption></figure>"
    )


def _suspects(items: Sequence[Item]) -> str:
    note = (
        "Read with confidence as something else than their label, by a network that never saw them. Edit relabel.csv "
        "beside this page and give it to <code>python -m trainer relabel</code>."
    )
    return _gallery("Labels to doubt, in the whole set", items, note, "label") if items else ""


def _facts(facts: Sequence[tuple[str, str]]) -> str:
    rows = [row([escape(name), escape(value)]) for name, value in facts]
    return section("Made with", table([], rows, "facts")) if facts else ""
