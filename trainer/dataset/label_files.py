"""Files that name pictures and their labels, one a line: `.csv`, `.tsv`, and the `.txt` of captcha_trainer."""

import csv
import functools
from collections.abc import Iterable, Iterator
from pathlib import Path

from contract.composed import composed
from trainer.dataset.sample import FileContent, Sample
from trainer.errors import SourceError

# Headings of columns in the tables of others; a first line that has such a word for a file is one of headings.
FILE_HEADINGS = frozenset(
    {"file", "filename", "file_name", "filepath", "file_path", "image", "image_name", "image_path", "img", "name"}
    | {"path", "picture"}
)
LABEL_HEADINGS = frozenset({"label", "labels", "text", "truth", "value", "words"})


def read(path: Path) -> list[Sample]:
    """Return the pictures that a label file names.

    `.csv` and `.tsv` hold a file and its label, or both in the order that their headings say; `.txt` a file, white
    space and its label. Files are looked for beside the label file; a bare name also in the folder that is named as the
    label file is (`val/` for `val.txt`), and then in the other folders there.

    Raises:
        SourceError: a line without a label, two labels for one file, a name that several folders have, or no text.
    """
    find = functools.partial(_found, path, {})
    lines: dict[str, tuple[int, str]] = {}
    samples = {}
    file_column, label_column = 0, 1
    for number, cells in _rows(path):
        columns = _headings(cells) if number == 1 else None
        if columns:
            file_column, label_column = columns
            continue
        if len(cells) <= max(file_column, label_column):
            raise SourceError(f"{str(path)!r}, line {number}: expected a file and its label, found {cells[0]!r}")
        name, label = cells[file_column], composed(cells[label_column])
        try:
            file = find(name).as_posix()
        except SourceError as error:
            raise SourceError(f"{str(path)!r}, line {number}: {error}") from error
        before, other = lines.setdefault(file, (number, label))
        if label != other:
            raise SourceError(
                f"{str(path)!r}, lines {before} and {number}: {name!r} is {other!r} and {label!r}; leave one out"
            )
        samples[file] = Sample(file, label, FileContent(file))
    return list(samples.values())


def _headings(cells: list[str]) -> tuple[int, int] | None:
    """Return the columns of file and label if these cells are headings."""
    words = [cell.strip().lower() for cell in cells]
    files = [column for column, word in enumerate(words) if word in FILE_HEADINGS]
    labels = [column for column, word in enumerate(words) if word in LABEL_HEADINGS]
    if not files or (files[0] != 0 and not labels):
        return None
    return files[0], labels[0] if labels else int(files[0] == 0)


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the number and the cells of each line that is not empty."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceError(f"{str(path)!r} is no text in UTF-8: {error}") from error
    if path.suffix.lower() == ".txt":
        rows: Iterable[list[str]] = map(_words, text.splitlines())
    else:
        separator = "," if path.suffix.lower() == ".csv" else "\t"
        # Line by line: a quotation mark without its second one must not make one label of several.
        rows = (_cells(line, separator) for line in text.splitlines())
    number = 0
    try:
        for number, cells in enumerate(rows, start=1):
            if cells:
                yield number, cells
    except csv.Error as error:
        raise SourceError(
            f"{str(path)!r} is no table of files and labels: line {number + 1}: {error}; a quotation mark in a label "
            f"is written twice, and the label in quotation marks"
        ) from error


def _words(line: str) -> list[str]:
    """Return file and label, which a tab parts, or where there is none the last white space."""
    if "\t" in line.strip():
        return [cell.strip() for cell in line.rsplit("\t", 1)]
    return line.rsplit(maxsplit=1)


def _cells(line: str, separator: str) -> list[str]:
    return next(csv.reader([line], delimiter=separator, skipinitialspace=True, strict=True), [])


def _found(table: Path, index: dict[str, list[Path]], name: str) -> Path:
    """Return where a picture is; where it should be if it is nowhere: `verify` names it with all others."""
    parent = table.parent
    for path in (parent / name, parent / name.replace("\\", "/")):  # the second for a table made on Windows
        if path.exists():
            return path
    if "/" in name or "\\" in name:
        return parent / name
    own = parent / table.stem / name
    if own.exists():
        return own
    if not index:
        for file in sorted(parent.glob("*/*")):
            index.setdefault(file.name, []).append(file)
    places = index.get(name, [])
    if len(places) > 1:
        folders = ", ".join(place.parent.name for place in places)
        raise SourceError(f"{name!r} is in several folders ({folders}): write the folder in front of it")
    return places[0] if places else parent / name
