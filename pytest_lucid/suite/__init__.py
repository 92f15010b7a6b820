"""The validation suite, for `pytest --pyargs pytest_lucid.suite`; in the source tree it lies in tests/."""
