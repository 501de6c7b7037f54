"""A model says which frame of an animated picture it reads; the platform gives it that one."""

import io

from PIL import Image

from contract.files import write_atomically
from contract.spec import dump
from serving.answer import Hints
from serving.errors import UnreadablePictureError
from tests.serving.rig import Service, Shop, picture


def animation(*grays: int) -> bytes:
    frames = [Image.new("L", (8, 4), gray) for gray in grays]
    file = io.BytesIO()
    frames[0].save(file, "PNG", save_all=True, append_images=frames[1:])
    return file.getvalue()


def publish(shop: Shop, frame: int | None) -> None:
    spec, graph = shop.build()
    steps = spec.Pretreatment.model_copy(update={"AnimatedFrame": frame})
    write_atomically(shop.graph / spec.Graph.File, graph)
    write_atomically(shop.model / "digits.yaml", dump(spec.model_copy(update={"Pretreatment": steps})))


def test_the_first_frame_is_read_unless_the_model_says_otherwise(service: Service, shop: Shop) -> None:
    publish(shop, frame=None)
    service.step()
    (answer,) = service.plane.recognize([animation(30, 90)], Hints())
    assert answer.text == "digits1.0-30"


def test_the_frame_of_the_models_choice_is_read(service: Service, shop: Shop) -> None:
    publish(shop, frame=1)
    service.step()
    animated, missing, still = service.plane.recognize([animation(30, 90), b"", picture(5)], Hints())
    assert (animated.text, still.text) == ("digits1.0-90", "digits1.0-5")
    assert isinstance(missing.error, UnreadablePictureError)


def test_an_animation_without_that_frame_fails_alone(service: Service, shop: Shop) -> None:
    publish(shop, frame=2)
    service.step()
    short, good = service.plane.recognize([animation(30, 90), animation(30, 90, 60)], Hints())
    assert isinstance(short.error, UnreadablePictureError)
    assert "no frame 2" in str(short.error)
    assert good.text == "digits1.0-60"
