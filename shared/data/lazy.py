"""NumPy, Pillow and simplejpeg, imported when something in them is first asked for.

Every start of the command line imports the options of all data sets, and their readers with them, but reads no data.
The standard library's `LazyLoader` does not serve here: the statement `import numpy` asks the module for its
specification and so ends the delay, and in Python 3.11 threads that come first at one time find the module empty.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import simplejpeg
    from PIL import Image
else:

    class _Later:
        """Stands for a module, and has what the module has."""

        def __init__(self, name: str) -> None:
            self._name = name

        def __getattr__(self, attribute: str) -> Any:
            found = getattr(import_module(self._name), attribute)
            setattr(self, attribute, found)
            return found

    np, Image, simplejpeg = _Later("numpy"), _Later("PIL.Image"), _Later("simplejpeg")

__all__ = ["Image", "np", "simplejpeg"]
