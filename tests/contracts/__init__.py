"""Suites that every implementation of a protocol runs."""

import pytest

pytest.register_assert_rewrite("tests.contracts.problem_contract")
