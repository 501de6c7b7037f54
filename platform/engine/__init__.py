"""One artifact, loaded in this process, reading pictures: `load(spec_path) -> Recognizer`.

The only tensorflow of the platform, and no keras. Importing this package imports no tensorflow; `load` does.
"""

from engine.reading import Reading, ReadsPixels

__all__ = ["Reading", "ReadsPixels"]
