"""How much pictures are varied in training: the presets, and what a config makes of them. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from types import MappingProxyType

from trainer.config import AugmentSection


@dataclass(frozen=True)
class Strength:
    """Largest change of each kind, in the units of `AugmentSection`.

    Attributes:
        shift, rotate, zoom, shear, perspective: where pixels are; the change is uniform between minus and plus that.
        blur: sigma; uniform from none to that, on half of the pictures.
        noise: standard deviation, the same for all pictures.
        brightness, contrast: what pixels are; uniform between minus and plus that.
        erase: share of the pictures that lose a rectangle.
    """

    shift: float = 0.0
    rotate: float = 0.0
    zoom: float = 0.0
    shear: float = 0.0
    perspective: float = 0.0
    blur: float = 0.0
    noise: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    erase: float = 0.0

    @property
    def moves(self) -> bool:
        """Whether pixels change their places."""
        return any((self.shift, self.rotate, self.zoom, self.shear, self.perspective))

    def __str__(self) -> str:
        """Return the changes as words, or nothing."""
        return ", ".join(f"{name} {value:g}" for name, value in asdict(self).items() if value)


STRENGTHS: Mapping[str, Strength] = MappingProxyType(
    {
        "off": Strength(),
        "light": Strength(rotate=2, zoom=0.03, shear=0.05, shift=0.02, contrast=0.1, brightness=15),
        "strong": Strength(rotate=5, zoom=0.08, shear=0.12, shift=0.04, contrast=0.2, brightness=25),
    }
)


# Presets are for pictures up to so many times as wide as high. In wider ones the same angle, and the same share of the
# width, move what stands at the ends farther: at 16 times the strong preset pushes half of the first and last symbols
# out of the picture.
WIDEST_RATIO = 4.0


def strength_of(section: AugmentSection, auto: str, size: tuple[int, int]) -> Strength:
    """Return what a config says.

    Args:
        section: `Trains.Augment`.
        auto: the preset that `auto` stands for.
        size: (width, height) in pixels that the network sees; presets move less in very wide pictures.
    """
    preset = STRENGTHS[auto if section.Preset == "auto" else section.Preset]
    less = min(1.0, WIDEST_RATIO * size[1] / size[0])
    preset = replace(preset, shift=preset.shift * less, rotate=preset.rotate * less, zoom=preset.zoom * less)
    given = {field.name: getattr(section, _key(field.name)) for field in fields(Strength)}
    return replace(preset, **{name: value for name, value in given.items() if value is not None})


def section_of(strength: Strength) -> AugmentSection:
    """Return a section that says a strength number by number."""
    return AugmentSection(Preset="off", **{_key(name): float(value) for name, value in asdict(strength).items()})


def _key(name: str) -> str:
    return name.capitalize()
