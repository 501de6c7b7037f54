"""T14: whatever is done to the folders, in whatever order, the service ends up where they say, and never breaks."""

import itertools
import tempfile
from pathlib import Path

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from contract.spec import ModelSpec, dump, version_key
from serving.errors import NotReadyError, UnknownModelError
from tests.serving.fake_engine import FakeEngine
from tests.serving.rig import Service, Shop

NAMES = {"a": (8, 4), "b": (9, 4)}
names = st.sampled_from(sorted(NAMES))
files = st.sampled_from(["x", "y", "z"])
versions = st.sampled_from(["1.0", "1.9", "1.10", "2.0"])


class Folders(RuleBasedStateMachine):
    """The folders as a person sees them: for each file, a whole model or something of no use."""

    @initialize()
    def open_shop(self) -> None:
        self.root = tempfile.TemporaryDirectory()
        self.shop = Shop(Path(self.root.name))
        self.engine = FakeEngine()
        self.service = Service(self.shop, self.engine)
        self.words = (f"w{number}" for number in itertools.count())
        self.yamls: dict[str, ModelSpec | None] = {}  # None: not to be read
        self.graphs: dict[str, str] = {}  # SHA-256; "" for junk
        self.hopeless: set[str] = set()  # SHA-256 of graphs that can never work
        self.away: Path | None = None
        self.homes: dict[str, set[str]] = {name: set() for name in NAMES}  # YAMLs of what served at the last rest

    def teardown(self) -> None:
        if hasattr(self, "service"):
            self.service.lifecycle.stop(5)
            assert self.engine.abuses == []
            assert [reader.word for reader in self.engine.readers if not reader.closed] == []
            self.root.cleanup()

    @precondition(lambda self: self.away is None)
    @rule(name=names, version=versions, file=files, bad=st.booleans(), yaml_first=st.booleans(), scan=st.booleans())
    def publish(self, name: str, version: str, file: str, bad: bool, yaml_first: bool, scan: bool) -> None:
        spec, graph = self.shop.build(name, version, word=next(self.words), size=NAMES[name], file=file, bad=bad)
        steps = [lambda: self.write_graph(spec, graph), lambda: self.write_yaml(file, spec)]
        for step in reversed(steps) if yaml_first else steps:
            step()
            if scan:
                self.service.step(1)
        if bad:
            self.hopeless.add(spec.Graph.SHA256)

    def write_graph(self, spec: ModelSpec, graph: bytes) -> None:
        (self.shop.graph / spec.Graph.File).write_bytes(graph)
        self.graphs[spec.Graph.File] = spec.Graph.SHA256

    def write_yaml(self, file: str, spec: ModelSpec) -> None:
        (self.shop.model / f"{file}.yaml").write_bytes(dump(spec))
        self.yamls[file] = spec
        self.leave(file)

    def leave(self, file: str) -> None:
        for homes in self.homes.values():
            homes.discard(file)

    @precondition(lambda self: self.away is None and self.yamls)
    @rule(data=st.data(), to=files, copy=st.booleans(), damage=st.booleans())
    def move_a_yaml(self, data: st.DataObject, to: str, copy: bool, damage: bool) -> None:
        if damage:
            self.come_to_rest()
        in_use = set().union(*self.homes.values()) if damage else set()
        file = data.draw(st.sampled_from(sorted(in_use or self.yamls)))
        if file == to:
            return
        old, new = (self.shop.model / f"{one}.yaml" for one in (file, to))
        self.yamls[to] = self.yamls[file]
        self.leave(to)
        if copy:
            new.write_bytes(old.read_bytes())
        else:
            old.replace(new)
            del self.yamls[file]
            self.leave(file)
        if damage:
            self.come_to_rest()
            self.scribble_over_a_yaml(to, b"")
            self.come_to_rest()

    @precondition(lambda self: self.away is None)
    @rule(file=files, content=st.binary(max_size=20))
    def scribble_over_a_yaml(self, file: str, content: bytes) -> None:
        (self.shop.model / f"{file}.yaml").write_bytes(b"[" + content)
        self.yamls[file] = None

    @precondition(lambda self: self.away is None)
    @rule(file=files)
    def cut_a_graph(self, file: str) -> None:
        path = self.shop.graph / f"{file}.pb"
        path.write_bytes(path.read_bytes()[:-1] if path.exists() else b"")
        self.graphs[path.name] = ""

    @precondition(lambda self: self.away is None)
    @rule(file=files)
    def remove_a_yaml(self, file: str) -> None:
        (self.shop.model / f"{file}.yaml").unlink(missing_ok=True)
        self.yamls.pop(file, None)
        self.leave(file)

    @precondition(lambda self: self.away is None)
    @rule(file=files)
    def remove_a_graph(self, file: str) -> None:
        (self.shop.graph / f"{file}.pb").unlink(missing_ok=True)
        self.graphs.pop(f"{file}.pb", None)

    @precondition(lambda self: self.away is None)
    @rule(model=st.booleans())
    def lose_a_folder(self, model: bool) -> None:
        self.away = self.shop.model if model else self.shop.graph
        self.away.rename(self.away.with_name("away"))

    @precondition(lambda self: self.away is not None)
    @rule()
    def find_the_folder(self) -> None:
        assert self.away
        self.away.with_name("away").rename(self.away)
        self.away = None

    @rule(troubles=st.integers(0, 3))
    def run_short_of_memory(self, troubles: int) -> None:
        self.engine.troubles = troubles

    @rule(times=st.integers(1, 3))
    def scan(self, times: int) -> None:
        before = self.serving()
        self.service.step(times)
        if self.away == self.shop.model:
            assert self.serving().keys() >= before.keys()

    @precondition(lambda self: self.away is None)
    @rule()
    def come_to_rest(self) -> None:
        before = self.serving()
        self.engine.troubles = 0
        self.service.step(3)
        self.service.clock.now += 100
        self.service.step(3)
        after = self.serving()
        for name in NAMES:
            usable = [self.version(s) for s in self.yamls.values() if s and s.Model.ModelName == name and self.good(s)]
            useless = any(spec is None or not self.good(spec) for spec in self.yamls.values())
            held = [] if name not in before or not useless else [version_key(before[name])]
            if usable:  # a useless file may hold the place of what served before, if that was a higher version
                assert version_key(after[name]) in {max(usable), *(v for v in held if v > max(usable))}
            else:
                assert name not in after or version_key(after[name]) in held
            assert name in after or not self.homes[name]  # they can only have been damaged
            self.homes[name] = {file for file, spec in self.yamls.items() if spec and self.serves(name, spec)}

    @invariant()
    def what_serves_answers_for_itself(self) -> None:
        for name, size in NAMES.items() if hasattr(self, "service") else ():
            try:
                answer = self.service.ask(3, size, name=name)
            except (NotReadyError, UnknownModelError):
                continue
            reader = self.engine.reader(answer.text.removesuffix("-3"))
            assert not reader.closed
            assert (answer.model, answer.version) == (reader.spec.Model.ModelName, reader.spec.Model.Version)

    @invariant()
    def what_is_hopeless_is_tried_once(self) -> None:
        if hasattr(self, "engine"):
            hopeless = [word for word, bad in self.engine.tries if bad]
            assert len(hopeless) == len(set(hopeless))

    def serving(self) -> dict[str, str]:
        return {status.name: status.version for status in self.service.plane.models() if status.state == "active"}

    def serves(self, name: str, spec: ModelSpec) -> bool:
        active = [status for status in self.service.plane.models() if status.state == "active"]
        return spec.Model.ModelName == name and spec.Graph.SHA256 in {one.sha256 for one in active}

    def good(self, spec: ModelSpec) -> bool:
        digest = spec.Graph.SHA256
        return self.graphs.get(spec.Graph.File) == digest and digest not in self.hopeless

    def version(self, spec: ModelSpec) -> tuple[int, ...]:
        return version_key(spec.Model.Version)


TestFolders = Folders.TestCase
TestFolders.settings = hypothesis_settings(max_examples=60, stateful_step_count=30, deadline=None)
