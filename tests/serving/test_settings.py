import json
import logging
from pathlib import Path

import pytest
import yaml

from contract.errors import ConfigError
from engine.threads import cores
from serving.core_settings import BatchingSection
from serving.logs import JsonFormatter
from serving.settings import Settings, dump, environment_name, keys, load


def test_later_sources_win(tmp_path: Path) -> None:
    path = tmp_path / "platform.yaml"
    path.write_text("Listen: {Host: 10.0.0.1, Ports: [1, 2], GrpcPort: off}\nModels: {Keep: 1}\n")
    variables = {"FOUNDRY_SERVING_LISTEN_HOST": "10.0.0.2", "FOUNDRY_SERVING_MODELS_KEEP": "2", "PATH": "x"}
    settings = load(path, variables, [("Models.Keep", "3")])
    assert settings.Listen.Ports == [1, 2]
    assert settings.Listen.GrpcPort == "off"
    assert settings.Listen.Host == "10.0.0.2"
    assert settings.Models.Keep == 3
    assert settings.Batching == Settings().Batching


def test_what_is_shown_can_be_read_again(tmp_path: Path) -> None:
    settings = load(None, {}, [("Listen.GrpcPort", "off"), ("Models.Pinned", '{digits: "1.10"}')])
    path = tmp_path / "platform.yaml"
    path.write_text(dump(settings))
    assert load(path, {}) == settings
    shown = [f"{section}.{key}" for section, inner in yaml.safe_load(dump(settings)).items() for key in inner]
    assert shown == keys()


@pytest.mark.parametrize(
    ("batching", "runs"),
    [("{}", min(cores(), 8)), ("{Threads: latency}", 1), ("{Threads: latency, Workers: 3}", 3), ("{Workers: 1}", 1)],
)
def test_a_model_runs_as_often_at_once_as_there_are_cores_for_it(tmp_path: Path, batching: str, runs: int) -> None:
    path = tmp_path / "platform.yaml"
    path.write_text(f"Batching: {batching}")
    found = load(path, {}).Batching
    assert found.runs == runs
    assert found.most_at_one_model == found.Queue + runs * found.MaxBatch


def test_every_key_has_a_variable_of_its_own() -> None:
    names = {environment_name(*key.split(".")) for key in keys()}
    assert len(names) == len(keys())
    assert "FOUNDRY_SERVING_OPERATION_DRAIN_DELAY_SECONDS" in names


def test_the_operators_guide_names_every_key() -> None:
    guide = (Path(__file__).parents[2] / "platform" / "README.md").read_text("utf-8")
    assert [key for key in keys() if f"`{key}`" not in guide and f"`.{key.split('.')[1]}`" not in guide] == []


def test_text_from_outside_stays_text() -> None:
    settings = load(
        None, {"FOUNDRY_SERVING_LISTEN_HOST": "0.0.0.0"}, [("Models.Default", "1e3"), ("Folders.Graph", "12")]
    )
    assert (settings.Listen.Host, settings.Models.Default, settings.Folders.Graph) == ("0.0.0.0", "1e3", Path("12"))


WRONG = [
    ("Listen: {Hots: x}", r"Listen.Hots: unknown key \(did you mean 'Host'\?\)"),
    ("Listen: {Ports: []}", "Listen.Ports"),
    ("Listen: {Ports: [70000]}", "Listen.Ports.0"),
    ("Models: {Pinned: {digits: 1.10}}", "Models.Pinned.digits.*quotes"),
    ("Batching: {Queue: 10}", "PicturesPerRequest 64 is more than Batching.Queue 10"),
    ("Listen: 3", "Listen"),
    ("[]", "expected sections"),
]


@pytest.mark.parametrize(("text", "message"), WRONG)
def test_wrong_settings_are_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "platform.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        load(path, {})


def test_an_empty_file_sets_nothing(tmp_path: Path) -> None:
    path = tmp_path / "platform.yaml"
    path.write_text("# nothing\n")
    assert load(path, {}) == Settings()


def test_a_mistyped_variable_is_an_error() -> None:
    with pytest.raises(ConfigError, match="did you mean 'FOUNDRY_SERVING_LISTEN_HOST'"):
        load(None, {"FOUNDRY_SERVING_LISTN_HOST": "x"})


def test_a_json_line_carries_the_fields_of_its_event() -> None:
    record = logging.makeLogRecord(
        {"name": "serving.ledger", "msg": "%s: active", "args": ("digits",), "levelname": "INFO", "model": "digits"}
    )
    line = json.loads(JsonFormatter().format(record))
    assert {key: line[key] for key in ("level", "message", "model")} == {
        "level": "info",
        "message": "digits: active",
        "model": "digits",
    }


@pytest.mark.parametrize(
    ("threads", "workers", "spare"),
    [("throughput", 1, False), ("throughput", 2, True), ("latency", 2, False), ("sequential", 2, False)],
)
def test_models_are_opened_for_spare_time_where_each_run_has_a_core_and_there_are_several(
    threads: str, workers: int, spare: bool
) -> None:
    settings = BatchingSection.model_validate({"Threads": threads, "Workers": workers})
    assert settings.layout.spare is spare
