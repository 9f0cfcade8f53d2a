"""What `support` asserts is explained as in a test."""

import pytest

pytest.register_assert_rewrite("tests.programs.support")
