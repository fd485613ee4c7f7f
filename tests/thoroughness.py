"""How thorough a test is: some of all cases in the fast run, all of them in the slow one."""

import os

import pytest

# Steps through bytes; prime, so that no layout falls into step with it.
SOME_OR_ALL = [
    pytest.param(13, id="some"),
    pytest.param(1, id="all", marks=pytest.mark.slow),
]
IN_CI = os.environ.get("CI") == "true"
EXAMPLES = 40
EXAMPLES_IN_CI = 100
# Of the second of two power cuts; all of them elsewhere, with the slow tests.
SECOND_CUTS = 0.2 if IN_CI else 1.0
