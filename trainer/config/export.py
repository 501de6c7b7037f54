"""Section `Export` of the config."""

from typing import Annotated

from pydantic import Field

from contract.spec import MAX_GOLDEN
from contract.strict import StrictModel
from trainer.config.kinds import AskedArithmetic


class ExportSection(StrictModel):
    """Section `Export`: what the exported model is like.

    Attributes:
        Precision: of the stored weights: `bfloat16` makes the file half as large and, on CPUs with AVX512-BF16 or AMX,
            about twice as fast; it is refused if it reads less accurately. `auto` takes it if it does not.
        Golden: how many test pictures go into the model's YAML, for the platform to read before it serves the model;
            0 for those who must not pass on any.
    """

    Precision: AskedArithmetic = "float32"
    Golden: Annotated[int, Field(ge=0, le=MAX_GOLDEN)] = MAX_GOLDEN
