import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace

import pytest

from trainer import config as configs
from trainer.cli import predict, preview
from trainer.cli.root import COMMANDS, main
from trainer.progress import Silent
from trainer.training.interrupt import interruptible

ROOT = Path(__file__).parents[2]

WritePictures = Callable[[Path, Iterable[str]], list[Path]]


def help_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--help"])
    assert ended.value.code == 0
    return capsys.readouterr().out


@pytest.fixture
def config(tmp_path: Path, write_pictures: WritePictures, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the config that `init` wrote for forty pictures; commands run in their parent folder."""
    monkeypatch.chdir(tmp_path)
    write_pictures(Path("pictures"), [f"{number:04}_x.png" for number in range(0, 10_000, 250)])
    assert main(["init", "pictures", "-o", "configs/tiny.yaml", "--name", "tiny"]) == 0
    return Path("configs/tiny.yaml")


def test_the_help_lists_the_commands_in_the_order_of_use(capsys: pytest.CaptureFixture[str]) -> None:
    listed = re.findall(r"^    (\w+) ", help_of(capsys), re.MULTILINE)
    assert listed == list(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert f"example:\n  python -m trainer {command} " in help_of(capsys, command)


HEAVY = {"tensorflow", "keras", "matplotlib", "captcha"}


def run_in_a_fresh_process(program: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "platform")])}
    return subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)


def test_help_imports_nothing_heavy() -> None:
    done = run_in_a_fresh_process(
        "import sys; from trainer.cli.root import main\n"
        "try: main(['train', '--help'])\n"
        "except SystemExit: pass\n"
        f"sys.exit({HEAVY} & set(sys.modules) or 0)"
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_mistake_in_the_config_is_told_before_anything_heavy_is_imported() -> None:
    taking_a_config = sorted({*COMMANDS} - {"init", "migrate", "synth", "predict", "relabel", "recipes"})
    done = run_in_a_fresh_process(
        "import sys; from trainer.cli.root import main\n"
        f"codes = [main([command, 'none.yaml']) for command in {taking_a_config}]\n"
        f"sys.exit(str(codes) + str({HEAVY} & set(sys.modules)))"
    )
    assert done.stderr.splitlines()[-1] == f"{[2] * len(taking_a_config)}set()"


@pytest.mark.parametrize("arguments", [[], ["no-such-command"], ["verify"], ["synth", "x", "--size", "9x9"]])
def test_wrong_usage_is_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "error: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--length", "5-3", "give 4, or 4-6"),
        ("--length", "0", "give 4, or 4-6"),
        ("--size", "160", "give 160x60"),
        ("--count", "0", "less than 1"),
        ("--count", "many", "invalid"),
        ("--charset", "NUMERICS", "did you mean NUMERIC?"),
    ],
)
def test_what_synth_cannot_draw_is_said(
    option: str, value: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["synth", str(tmp_path), option, value])
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["verify", "none.yaml"], 2, "none.yaml"),
        (["pack", "bad.yaml"], 2, "Sytem: unknown key (did you mean 'System'?)"),
        (["verify", "lost.yaml"], 1, "System.TrainsPath: 'lost' is not there"),
        (["init", "nowhere", "-o", "x.yaml"], 1, "'nowhere' is not there"),
        (["synth", "bad.yaml", "--count", "1"], 1, "bad.yaml"),
        (["verify", "lost.yaml", "--exclude", "none.txt"], 2, "none.txt"),
    ],
)
def test_a_mistake_is_one_message_without_a_traceback(
    arguments: list[str],
    code: int,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    model = "Model: {ModelName: a, CharSet: NUMERIC, ImageWidth: 9, ImageHeight: 9}\n"
    Path("bad.yaml").write_text(model + "Sytem: {}\n", encoding="utf-8")
    Path("lost.yaml").write_text(model + "System: {TrainsPath: lost}\n", encoding="utf-8")
    assert main(arguments) == code
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ")
    assert message in captured.err
    assert "Traceback" not in captured.err


def test_ctrl_c_is_told_in_a_word(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(_path: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(configs, "read", interrupt)
    assert main(["verify", str(config)]) == 1
    assert capsys.readouterr().err.endswith("error: stopped\n")


@pytest.mark.parametrize("presses", [1, 2])
def test_ctrl_c_is_told_in_a_word_whatever_a_framework_makes_of_it(
    presses: int, config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def build(_path: Path) -> None:
        context = interruptible(Silent()) if presses == 2 else contextlib.nullcontext()
        with context:
            try:
                for _ in range(presses):
                    signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt:
                raise TypeError("Exception encountered when calling Bidirectional.call()") from None

    monkeypatch.setattr(configs, "read", build)
    assert main(["verify", str(config)]) == 1
    assert capsys.readouterr().err.endswith("error: stopped\n")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_fault_that_nobody_asked_for_is_not_hidden(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_path: Path) -> None:
        raise TypeError("a fault")

    monkeypatch.setattr(configs, "read", fail)
    with pytest.raises(TypeError, match="a fault"):
        main(["verify", str(config)])


@pytest.mark.parametrize(
    ("shown", "epoch", "told"),
    [
        (20, 30, "20 pictures of 30"),
        (30, 30, "30 pictures of 30"),
        (60, 30, "60 pictures, for training shows its 30 again and again,"),
    ],
)
def test_the_preview_shows_no_more_pictures_than_there_are(shown: int, epoch: int, told: str) -> None:
    assert preview.shown_sentence(shown, epoch) == told


def test_init_does_not_overwrite(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = config.read_bytes()
    assert main(["init", "pictures", "-o", str(config)]) == 2
    assert "--force" in capsys.readouterr().err
    assert config.read_bytes() == before
    assert main(["init", "pictures", "-o", str(config), "--force"]) == 0
    assert configs.read(config).Model.ModelName == "pictures-CNN5-H64-48x16"


def test_a_name_that_cannot_be_used_is_said_by_init(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "pictures", "-o", "other.yaml", "--name", "a/b"]) == 2
    assert "Model.ModelName" in capsys.readouterr().err
    assert not Path("other.yaml").exists()
    assert config.exists()


def test_verify_finds_nothing_wrong_in_what_init_wrote(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(config)]) == 0
    assert "40 pictures: 0 errors" in capsys.readouterr().out


def test_verify_names_what_is_wrong(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("pictures/7_[bad].png").write_bytes(b"no picture")
    Path("pictures/notes.txt").touch()
    assert main(["verify", str(config)]) == 1
    printed = capsys.readouterr().out
    assert "error unreadable: 1 picture cannot be read" in printed
    assert "pictures/7_[bad].png" in printed
    assert "1 .txt" in printed


def test_verify_for_machines(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("pictures/7_bad.png").write_bytes(b"no picture")
    capsys.readouterr()
    assert main(["verify", str(config), "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert (report["train"], report["test"], report["errors"]) == (41, 0, 1)
    finding = report["findings"][0]
    assert (finding["rule"], finding["severity"], finding["count"]) == ("unreadable", "error", 1)
    assert finding["pictures"][0]["name"] == "pictures/7_bad.png"


def test_what_verify_quarantines_pack_leaves_out(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("pictures/7_bad.png").write_bytes(b"no picture")
    assert main(["pack", str(config)]) == 1
    assert "7_bad.png" in capsys.readouterr().err
    assert main(["verify", str(config), "--quarantine", "bad.txt"]) == 1
    capsys.readouterr()
    assert main(["verify", str(config), "--exclude", "bad.txt"]) == 0
    assert "--exclude leaves 1 picture out\n" in capsys.readouterr().err
    assert main(["verify", str(config), "--quarantine", "bad.txt"]) == 2
    assert "is there already" in capsys.readouterr().err
    Path("pictures/8_bad.png").write_bytes(b"no picture either")
    with Path("bad.txt").open("a") as listed:
        listed.write("# to ask about\n")
    assert main(["verify", str(config), "--exclude", "bad.txt", "--quarantine", "bad.txt"]) == 1
    assert Path("bad.txt").read_text().count("unreadable: ") == 2
    assert "# to ask about\n" in Path("bad.txt").read_text()
    Path("pictures/8_bad.png").unlink()
    capsys.readouterr()
    assert main(["pack", str(config), "--exclude", "bad.txt"]) == 0
    packed = " ".join(capsys.readouterr().err.split())
    assert packed.startswith("--exclude leaves 1 picture out")
    assert "36 pictures to train on, 4 to test on, 1 left out" in packed


def test_pack_packs_once_unless_forced(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, packs in ([], True), ([], False), (["--force"], True):
        capsys.readouterr()
        assert main(["pack", str(config), *arguments]) == 0
        assert ("Decoding" in capsys.readouterr().err) == packs


def test_stats_of_a_folder_and_of_a_config(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("pictures/7_bad.png").write_bytes(b"no picture")
    for place in ("pictures", str(config)):
        capsys.readouterr()
        assert main(["stats", place]) == 0
        shown = " ".join(capsys.readouterr().out.split())
        for row in ("41 pictures", "1 cannot be read", "PNG, gray 40 100.0%", "48x16 40 100.0%", "4 symbols 40 97.6%"):
            assert row in shown
    assert main(["stats", "nowhere"]) == 1


def test_stats_for_machines(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["stats", str(config), "--json"]) == 0
    numbers = json.loads(capsys.readouterr().out)
    assert (numbers["pictures"], numbers["sizes"], numbers["lengths"]) == (40, {"48x16": 40}, {"4": 40})


def test_predict_reads_a_few_at_a_time(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    read: list[int] = []

    def answers(contents: list[bytes]) -> list[SimpleNamespace]:
        read.append(len(contents))
        return [SimpleNamespace(text="12", confidence=0.5, error="") for _ in contents]

    monkeypatch.setattr(predict, "AT_ONCE", 4)
    monkeypatch.setattr("engine.load", lambda _: SimpleNamespace(read=answers))
    pictures = sorted(map(str, Path("pictures").iterdir()))[:10]
    assert main(["predict", str(config), *pictures]) == 0
    assert read == [4, 4, 2]
    assert capsys.readouterr().out == "".join(f"{path}\t12\t0.5000\n" for path in pictures)


def test_synth_writes_what_init_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["synth", "drawn", "--count", "40", "--charset", "abc", "--length", "2-3", "--size", "80x40"]) == 0
    assert main(["init", "drawn", "-o", "drawn.yaml"]) == 0
    config = configs.read(Path("drawn.yaml"))
    assert config.Model.CharSet == "abc"
    assert (config.Model.ImageWidth, config.Model.ImageHeight) == (80, 40)
