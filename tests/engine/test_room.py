"""What is left is the least of the machine and of every group that the process is in."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from engine.room import memory_left, within_what_is_left
from engine.trial import excused

MIB = 2**20
MACHINE = {"proc/meminfo": "MemTotal: 9000 kB\nMemAvailable:    8000 kB\nHugePages_Total:       0\n"}


def tree(root: Path, files: Mapping[str, object]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(content))
    return root


@pytest.mark.parametrize(
    ("groups", "left"),
    [
        ({}, 8_192_000),
        (
            {
                "proc/self/cgroup": "0::/pod/box\n",
                "sys/fs/cgroup/pod/memory.max": "max\n",
                "sys/fs/cgroup/pod/box/memory.max": 5_000_000,
                "sys/fs/cgroup/pod/box/memory.current": 3_000_000,
                "sys/fs/cgroup/pod/box/memory.stat": "anon 1\ninactive_file 400000\n",
            },
            2_400_000,
        ),
        (
            {
                "proc/self/cgroup": "0::/seen/from/outside\n",
                "sys/fs/cgroup/memory.max": 4_000_000,
                "sys/fs/cgroup/memory.current": 1_000_000,
            },
            3_000_000,
        ),
        (
            {
                "proc/self/cgroup": "5:cpu:/\n4:memory,hugetlb:/box\n0::/\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": 9223372036854771712,
                "sys/fs/cgroup/memory/memory.usage_in_bytes": 7,
                "sys/fs/cgroup/memory/box/memory.limit_in_bytes": 2_000_000,
                "sys/fs/cgroup/memory/box/memory.usage_in_bytes": 2_500_000,
            },
            0,
        ),
    ],
    ids=["no group", "version 2", "inside a container", "version 1, over its limit"],
)
def test_the_least_of_machine_and_groups_is_left(groups: Mapping[str, object], left: int, tmp_path: Path) -> None:
    assert memory_left(tree(tmp_path, {**MACHINE, **groups})) == left


def test_where_nothing_is_told_nothing_is_known(tmp_path: Path) -> None:
    assert memory_left(tmp_path) is None


@pytest.mark.parametrize(
    ("asked", "left", "allowed"),
    [(4096, None, 4096), (4096, 40_960, 4096), (4096, 4096, 3072), (4096, 100, 512), (256, 100, 256)],
)
def test_a_trial_gets_a_share_of_what_is_left(asked: int, left: int | None, allowed: int) -> None:
    assert within_what_is_left(asked * MIB, None if left is None else left * MIB) == allowed * MIB


@pytest.mark.parametrize(
    ("reason", "allowed", "hopeless"),
    [
        ("a.pb: it needs more than 512 bytes of memory", 512, False),
        ("a.pb: it needs more than 4,096 bytes of memory", 4096, True),
        ("a.pb: tensorflow cannot run it: OOM when allocating", 512, False),
        ("a.pb: golden picture 1 reads '1'", 512, True),
    ],
)
def test_to_want_more_than_could_be_spared_proves_nothing(reason: str, allowed: int, hopeless: bool) -> None:
    outcome = excused({"reason": reason, "hopeless": True}, 4096, allowed)
    assert outcome["hopeless"] is hopeless
    assert str(outcome["reason"]).startswith(reason)
