"""The validation suite, for `pytest --pyargs pytest_lucid.suite`.

The wheel carries the suite's packages here. In the source tree, and so in an editable install, they are `tests/infra`
and `tests/dockerfile`, where the users of the tree expect them.
"""

from pathlib import Path

PARTS = ("dockerfile", "infra")
_TESTS = Path(__file__).parents[2] / "tests"

if not (Path(__file__).parent / "infra").is_dir() and (_TESTS / "infra" / "__init__.py").is_file():
    __path__.append(str(_TESTS))
