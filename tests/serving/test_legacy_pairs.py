"""YAMLs of captcha_trainer lie beside their graphs without a word about them."""

from tests.serving.rig import Service, Shop

EARLY = """
Model:
  Sites: ['login.example']
  ModelName: old
  ModelType: 8x4
  CharSet: NUMERIC
  CharExclude: []
  CharReplace: {}
  Version: 1.10
  ImageWidth: 8
  ImageHeight: 4
Pretreatment: {Binaryzation: -1, Smoothing: -1, Blur: -1}
"""


def test_an_early_pair_is_found_by_its_name_and_served(service: Service, shop: Shop) -> None:
    (shop.model / "old_model.yaml").write_text(EARLY)
    service.step()
    assert service.states() == {"old": "waiting-for-graph"}
    (shop.graph / "old.pb").write_text('{"word": "first"}')
    service.step(1)
    assert service.states() == {"old": "settling"}
    service.step()
    assert service.states() == {"old 1.10": "active"}
    assert service.ask(site="login.example").text == "first-1"


def test_another_graph_of_the_same_name_is_another_generation(service: Service, shop: Shop) -> None:
    (shop.model / "old_model.yaml").write_text(EARLY)
    (shop.graph / "old.pb").write_text('{"word": "first"}')
    service.step()
    (shop.graph / "old.pb").write_text('{"word": "second"}')
    service.step(1)
    assert service.ask().text == "first-1"
    service.step()
    assert service.ask().text == "second-1"


def test_a_graph_that_grows_is_waited_for(service: Service, shop: Shop) -> None:
    (shop.model / "old_model.yaml").write_text(EARLY)
    graph = '{"word": "first"}'
    for length in range(len(graph)):
        (shop.graph / "old.pb").write_text(graph[:length])
        service.step(1)
        assert service.states() == {"old": "settling"}
    (shop.graph / "old.pb").write_text(graph)
    service.step()
    assert service.ask().text == "first-1"


def test_what_means_nothing_here_is_said(service: Service, shop: Shop) -> None:
    (shop.model / "old_model.yaml").write_text(EARLY.replace("  ImageWidth", "  Colour: red\n  ImageWidth"))
    (shop.graph / "old.pb").write_text('{"word": "first"}')
    service.lifecycle.wish(lambda wishes: type(wishes)(off=frozenset({"old"})))
    service.step()
    (candidate,) = service.lifecycle._scan.candidates
    assert "Model.Colour: unknown key" in candidate.reason
