"""What a person touches: the explorer, and what the notebooks of the course need.

``session`` holds state and transitions in plain Python, ``explorer`` binds them to widgets.
"""

from __future__ import annotations
