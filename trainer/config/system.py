"""Section `System` of the config."""

import re
from typing import Annotated

from pydantic import Field, field_validator

from contract.strict import StrictModel
from trainer.config.kinds import Positive, Share

Paths = str | list[str]

SYNTHETIC = "synthetic"  # in place of a path: pictures are drawn while training


class SystemSection(StrictModel):
    """Section `System`: where the pictures are and what the machine may give.

    Attributes:
        DeviceUsage: share of the GPU's memory that training may take, 0..1; default: as much as it needs.
        TrainsPath: the pictures: a folder with its sub-folders, a .zip, a .csv, .tsv or .txt with a file and its label
            on each line, .tfrecords of captcha_trainer, a pattern such as data/*, or a list of these. The word
            `synthetic` has them drawn while training, without end, as section Synthetic says.
        TrainRegex: the first match in a file's name is its label, if there is no better source for it; the default
            reads `label_anything.png`.
        TestPath: pictures to test on; default: a part of TrainsPath is set aside.
        TestRegex: as TrainRegex, for TestPath; default: TrainRegex.
        TestSetNum: how many pictures of TrainsPath are set aside for testing; default: a tenth. Pictures that are added
            later are split in about the same proportion, and earlier ones keep their side; where the default has become
            another share than a tenth, `pack` says so. Of synthetic pictures so many are drawn that training never
            sees; default: 2,000.
        Seed: of everything random in training.
        Threads: CPU threads to use; default: all.
        Deterministic: the same weights, bit for bit, each time on the same machine; slower.
    """

    DeviceUsage: Share | None = None
    TrainsPath: Paths
    TrainRegex: str = ".*?(?=_)"
    TestPath: Paths | None = None
    TestRegex: str | None = None
    TestSetNum: int | None = None
    Seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    Threads: Positive | None = None
    Deterministic: bool = False

    @property
    def train_paths(self) -> tuple[str, ...]:
        """TrainsPath as a list."""
        return _as_list(self.TrainsPath)

    @property
    def synthetic(self) -> bool:
        """Whether the pictures to train on are drawn while training."""
        return self.train_paths == (SYNTHETIC,)

    @property
    def splits(self) -> bool:
        """Whether a part of TrainsPath is set aside for testing."""
        return not self.test_paths and not self.synthetic

    @property
    def test_paths(self) -> tuple[str, ...]:
        """TestPath as a list; empty when a part of TrainsPath is to be set aside."""
        return _as_list(self.TestPath)

    @property
    def test_regex(self) -> str:
        """The pattern for labels of TestPath."""
        return self.TrainRegex if self.TestRegex is None else self.TestRegex

    @property
    def idle(self) -> tuple[str, ...]:
        """A sentence for each key that is given and decides nothing beside the others, as captcha_trainer has them."""
        sentences = []
        if self.test_paths and self.TestSetNum is not None:
            sentences.append("System.TestSetNum counts nothing beside TestPath, all of whose pictures are tested on")
        if not self.test_paths and self.TestRegex is not None:
            sentences.append("System.TestRegex counts nothing without TestPath")
        return tuple(sentences)

    @field_validator("TrainsPath", mode="after")
    @classmethod
    def _some_path(cls, value: Paths) -> Paths:
        if not _as_list(value):
            raise ValueError("names nothing; give the folder that holds the pictures")
        if SYNTHETIC in _as_list(value) and _as_list(value) != (SYNTHETIC,):
            raise ValueError(f"{SYNTHETIC!r} stands alone: drawn pictures and others are not mixed")
        return value

    @field_validator("TrainRegex", "TestRegex", mode="after")
    @classmethod
    def _regex_compiles(cls, value: str | None) -> str | None:
        try:
            re.compile(value or "")
        except re.error as error:
            raise ValueError(f"{value!r} is no regular expression: {error}") from error
        return value

    @field_validator("TestSetNum", mode="after")
    @classmethod
    def _test_set_has_pictures(cls, value: int | None) -> int | None:
        if value is not None and value < 1:
            raise ValueError(
                f"{value} pictures leave nothing to test on; give 1 or more, or leave the key out to set a tenth aside"
            )
        return value


def _as_list(paths: Paths | None) -> tuple[str, ...]:
    listed = [paths] if isinstance(paths, str) else paths or []
    return tuple(path for path in listed if path)
