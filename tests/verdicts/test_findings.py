"""A p value and an interval as tables and sentences show them."""

from __future__ import annotations

import pytest

from shared.verdicts.findings import interval_text, p_text


@pytest.mark.parametrize(
    ("p", "shown"),
    [(None, "–"), (0.0, "< 0.001"), (0.00049, "< 0.001"), (0.0005, "0.001"), (0.074, "0.074"), (1, "1.000")],
)
def test_a_p_value_is_never_shown_as_0(p, shown):
    assert p_text(p) == shown


def test_an_interval_has_its_ends_in_a_form_with_minus_signs():
    assert interval_text((-0.4821, 4.4821)) == "[\N{MINUS SIGN}0.482, 4.48]"
    assert interval_text((-0.4821, 4.4821), "+.1f") == "[\N{MINUS SIGN}0.5, +4.5]"
    assert interval_text(None) == "with no interval"
