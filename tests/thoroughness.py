"""How thorough a test is: some of all cases in the fast run, all of them in the slow one."""

import pytest

# Steps through bytes; prime, so that no layout falls into step with it.
SOME_OR_ALL = [
    pytest.param(13, id="some"),
    pytest.param(1, id="all", marks=pytest.mark.slow),
]
EXAMPLES = 40
EXAMPLES_IN_CI = 100
