"""The kinds of places that pictures come from: a folder, a label file, a zip archive, TFRecords of captcha_trainer."""

import collections
import contextlib
import json
import math
import os
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path, PurePath

from contract.composed import composed
from trainer.dataset import label_files
from trainer.dataset.sample import Content, FileContent, PartContent, PixelsContent, Sample, ZipContent
from trainer.dataset.tfrecord import BrokenRecordError, Span, examples
from trainer.errors import SourceError

PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".bmp", ".webp"})
JUNK = frozenset({"thumbs.db", "desktop.ini", "__macosx", "lost+found", "system volume information", "$recycle.bin"})

# Names of the picture feature: captcha_trainer's early generation, its later one, and the test sets packed here.
PICTURE_FEATURES = ("image", "input", "encoded")

_UTF8 = 0x800  # of a member's flags, by the ZIP specification 6.3 (APPNOTE, 4.4.4)

MANIFEST = "manifest.json"  # beside records that were packed here

Ignored = collections.Counter[str]
Shape = tuple[int, int, int]


def read(path: Path, pattern: re.Pattern[str], ignored: Ignored) -> list[Sample]:
    """Return the samples of one place.

    Args:
        path: a folder, a picture, a label file, a zip archive or a TFRecord file.
        pattern: finds labels in file names, where the place has no labels of its own.
        ignored: what is passed over is counted here, by kind.

    Raises:
        SourceError: it is missing, of no such kind, or empty.
    """
    if path.is_dir():
        return folder(path, pattern, ignored)
    if not path.exists():
        raise SourceError(f"{str(path)!r} is not there (looked from {Path.cwd()})")
    suffix = path.suffix.lower()
    if suffix in PICTURE_SUFFIXES:
        return [Sample(path.as_posix(), label_of(path.name, pattern), FileContent(str(path)))]
    if suffix == ".zip":
        return archive(path, pattern, ignored)
    reader = _LABELLED.get(suffix)
    if reader is None:
        kinds = " ".join([".zip", *_LABELLED])
        raise SourceError(f"{str(path)!r} is no folder, no picture and no file of a kind read here ({kinds})")
    samples = reader(path)
    if not samples:
        raise SourceError(f"{str(path)!r} names no picture")
    return samples


def label_of(file_name: str, pattern: re.Pattern[str]) -> str | None:
    """Return the label in a file's name: the first match of the pattern, as text; None without a match.

    Args:
        file_name: folders in front of it, with /, do not count.
        pattern: what to look for.
    """
    found = pattern.search(composed(file_name.rpartition("/")[2]))
    return found.group() if found else None


def folder(path: Path, pattern: re.Pattern[str], ignored: Ignored) -> list[Sample]:
    """Return the pictures in a folder and below it, with the labels in their names; raises as `read`."""
    passed_over = Ignored()
    files = list(picture_files(path, passed_over))
    _refuse_empty(path, files, passed_over)
    _refuse_other_names([name for name, _ in files])
    ignored.update(passed_over)
    return [Sample(name, label_of(name, pattern), FileContent(file)) for name, file in files]


def archive(path: Path, pattern: re.Pattern[str], ignored: Ignored) -> list[Sample]:
    """Return the pictures in a zip archive, with the labels in their names; raises as `read`."""
    try:
        with zipfile.ZipFile(path) as file:
            members = {_name_of(member)[0]: member for member in file.infolist()}
    except zipfile.BadZipFile as error:
        raise SourceError(f"{str(path)!r} is no zip archive, or damaged: {error}") from error
    passed_over = Ignored()
    pictures = [member for name, member in members.items() if not name.endswith("/") and _is_picture(name, passed_over)]
    _refuse_empty(path, pictures, passed_over)
    ignored.update(passed_over)
    return [_from_archive(path, member, pattern) for member in pictures]


def tfrecords(path: Path) -> list[Sample]:
    """Return the pictures in a TFRecord file with the labels beside them: captcha_trainer's, or one packed here.

    Of captcha_trainer either generation. A set that was packed here holds picture files for its test side only; those
    to train on are the pixels after pretreatment, to which the pretreatment of the new config comes on top.

    Raises:
        SourceError: it is cut off, no such file, or has records without a picture file or label.
    """
    shape = _packed_shape(path.parent)
    try:
        return [_from_record(path, number, features, shape) for number, features in enumerate(examples(path))]
    except BrokenRecordError as error:
        raise SourceError(f"{str(path)!r}: {error}") from error


def picture_files(path: Path, ignored: Ignored) -> Iterator[tuple[str, str]]:
    """Yield name and path of the picture files in a folder and below it; count the others by kind in `ignored`.

    The name is the path with / between its parts, whatever the system.
    """
    seen: set[object] = set()
    _is_new(str(path), seen)
    for parent, folders, files in os.walk(path, onerror=_raise, followlinks=True):
        places = sorted((os.path.join(parent, name), name) for name in folders if not _is_junk(name))  # noqa: PTH118
        # Links come last: what they lead to may stand beside them.
        folders[:] = [name for place, name in sorted(places, key=_is_link) if _is_new(place, seen)]
        above = Path(parent)
        start, prefix = os.path.join(above, ""), PurePath(above, "x").as_posix()[:-1]  # noqa: PTH118 - ends in a slash
        yield from ((prefix + name, start + name) for name in files if _is_picture(name, ignored))


def _raise(error: OSError) -> None:
    raise error


def _is_link(folder: tuple[str, str]) -> bool:
    return Path(folder[0]).is_symlink()


def _is_new(folder: str, seen: set[object]) -> bool:
    """Return whether a folder has not been seen: a link may lead back up, or where another one leads."""
    status = Path(folder).stat()
    # Some drives of networks on Windows number nothing.
    identity = (status.st_dev, status.st_ino) if status.st_ino else Path(folder).resolve()
    new = identity not in seen
    seen.add(identity)
    return new


def ignored_sentence(ignored: Mapping[str, int]) -> str:
    """Return which files were passed over, such as `3 files passed over: 2 .txt, 1 Thumbs.db`."""
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(ignored.items(), key=lambda item: -item[1])[:8])
    return f"{sum(ignored.values()):,} files passed over: {kinds}"


_LABELLED: Mapping[str, Callable[[Path], list[Sample]]] = {
    ".csv": label_files.read,
    ".tsv": label_files.read,
    ".txt": label_files.read,
    ".tfrecords": tfrecords,
    ".tfrecord": tfrecords,
}


def _from_archive(path: Path, member: zipfile.ZipInfo, pattern: re.Pattern[str]) -> Sample:
    name, known = _name_of(member)
    label = label_of(name, pattern)
    if not known and not (label or "").isascii():
        raise SourceError(
            f"{str(path)!r} does not say how its names are written, such as {name!r}, and UTF-8 they are not: unpack "
            f"it, and give the folder"
        )
    return Sample(f"{path.as_posix()}/{name}", label, ZipContent(path, member.filename, member.CRC))


def _name_of(member: zipfile.ZipInfo) -> tuple[str, bool]:
    """Return a member's name with / between its parts, and whether it is known how it was written."""
    # Only names with a flag are said to be UTF-8, but most others are too; zipfile takes them for those of MS-DOS.
    name, known = member.filename, bool(member.flag_bits & _UTF8)
    if not known:
        with contextlib.suppress(UnicodeDecodeError):
            name, known = name.encode("cp437").decode(), True
    # Some programs on Windows write backslashes, which in other encodings may be halves of symbols.
    return (name.replace("\\", "/") if known and "/" not in name else name), known


def _is_picture(name: str, ignored: Ignored) -> bool:
    # Texts, not paths: making those takes longer than all else when there are many files.
    suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122 - as above
    # Some programs write archives whose names begin with ./
    junk = next((part for part in name.split("/") if part != "." and _is_junk(part)), None)
    if junk is not None:
        ignored[junk] += 1
    elif suffix not in PICTURE_SUFFIXES and suffix not in {"", "."}:
        ignored[suffix] += 1
    else:
        return True
    return False


def _is_junk(name: str) -> bool:
    return name.startswith(".") or name.lower() in JUNK


def _refuse_empty(path: Path, found: Iterable[object], passed_over: Ignored) -> None:
    if not found:
        why = f" ({ignored_sentence(passed_over)})" if passed_over else ""
        formats = " ".join(sorted(PICTURE_SUFFIXES))
        raise SourceError(f"no picture in {str(path)!r}{why}; files read here end in {formats}")


def _refuse_other_names(names: Iterable[str]) -> None:
    """Refuse names that are no text in UTF-8, which Python reads with stand-ins for their bytes."""
    others = [name for name in names if not name.isascii() and any("\ud800" <= symbol <= "\udfff" for symbol in name)]
    if others:
        shown = others[0].encode("utf-8", "backslashreplace").decode()
        raise SourceError(
            f"{len(others):,} file names are not in UTF-8, such as {shown}: rename them first, for example with "
            f"`convmv -f gbk -t utf8 -r --notest FOLDER`"
        )


def _from_record(path: Path, number: int, features: Mapping[str, Span], shape: Shape | None) -> Sample:
    content = _content(path, features, shape)
    if content is None or "label" not in features:
        names = ", ".join(sorted(features)) or "none"
        raise SourceError(f"{str(path)!r}, record {number}: has no picture file with a label (features: {names})")
    label = composed(features["label"].content.decode(errors="replace"))
    return Sample(f"{path.as_posix()}#{number:06}", label, content)


def _content(path: Path, features: Mapping[str, Span], shape: Shape | None) -> Content | None:
    picture = next((features[name] for name in PICTURE_FEATURES if name in features and features[name].content), None)
    if picture is not None:
        return PartContent(path, picture.start, len(picture.content))
    pixels = features.get("pixels")
    if pixels is None:
        return None
    if shape is None or len(pixels.content) != math.prod(shape):
        raise SourceError(
            f"{str(path)!r} was packed here, but the {MANIFEST} that says how large its pictures are is not beside it"
        )
    return PixelsContent(PartContent(path, pixels.start, len(pixels.content)), shape)


def _packed_shape(folder: Path) -> Shape | None:
    """Return (H, W, C) of the pixels in records packed here; None where no manifest tells."""
    try:
        made = json.loads((folder / MANIFEST).read_bytes())["Made"]
        return int(made["Height"]), int(made["Width"]), int(made["Pretreatment"]["ImageChannel"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
