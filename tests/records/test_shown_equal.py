"""What was shown equal: by pairs, by way of others, until it is refuted; and a file that is checked when it is read."""

from __future__ import annotations

import datetime

import pytest

from shared.errors import UserError
from shared.records.shown_equal import Comparison, Pair, ShownEqual, read_shown_equal, write_shown_equal

A, B, C, D = (letter * 12 for letter in "abcd")


def comparison(*codes: tuple[str, str]) -> Comparison:
    return Comparison(
        commits=("0" * 40, "1" * 40),
        scale="smoke",
        machine="a processor",
        packages={"torch": "2"},
        date=datetime.date(2026, 1, 2),
        pairs=tuple(Pair(codes=pair, runs=3) for pair in codes),
    )


def test_equal_are_the_same_and_what_was_shown_be_it_by_way_of_others():
    shown = ShownEqual(comparisons=(comparison((A, B)), comparison((C, B))))
    assert shown.equal(A, A)
    assert shown.equal(A, B)
    assert shown.equal(B, A)
    assert shown.equal(A, C)
    assert not shown.equal(A, D)
    assert shown.equal(D, D)


def test_a_further_comparison_adds_its_pairs_and_takes_out_what_it_refutes_or_repeats():
    shown = ShownEqual().with_comparison(comparison((A, B), (A, C)), refuted=[])
    again = shown.with_comparison(comparison((B, A)), refuted=[(C, A)])
    assert again.comparisons == (comparison((B, A)),)
    assert not again.equal(A, C)


def test_what_is_refuted_is_not_equal_by_way_of_others_either():
    shown = ShownEqual(comparisons=(comparison((A, B), (B, C)), comparison((A, C), (A, D), (D, C), (B, D))))
    again = shown.with_comparison(comparison(), refuted=[(A, C)])
    assert not again.equal(A, C)
    kept = ShownEqual(comparisons=(comparison((A, B), (C, D)),)).with_comparison(comparison(), refuted=[(B, C)])
    assert kept.equal(A, B)
    assert kept.equal(C, D)


@pytest.mark.parametrize("code", ["089345678901", "123456789012", "163631e33206", "000000000000", "0x1234567890"[-12:]])
def test_a_fingerprint_that_looks_like_a_number_is_written_as_a_word(tmp_path, code):
    path = tmp_path / "same-bits.yaml"
    shown = ShownEqual(comparisons=(comparison((code.replace("x", "a"), B)),))
    write_shown_equal(path, shown)
    assert read_shown_equal(path) == shown


def test_what_is_written_is_read_back_and_no_file_shows_nothing(tmp_path):
    path = tmp_path / "published" / "same-bits.yaml"
    assert read_shown_equal(path) == ShownEqual()
    shown = ShownEqual(comparisons=(comparison((A, B)),))
    write_shown_equal(path, shown)
    assert read_shown_equal(path) == shown


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("runs: 3", "runs: 0", r"same-bits\.yaml:\d+: comparisons\.0\.pairs\.0\.runs: "),
        ("scale:", "sacle:", "sacle: unknown key; did you mean 'scale'?"),
        (A, "abc", r"comparisons\.0\.pairs\.0\.codes\.0"),
    ],
)
def test_a_mistake_in_the_file_is_named(tmp_path, old, new, says):
    path = tmp_path / "same-bits.yaml"
    write_shown_equal(path, ShownEqual(comparisons=(comparison((A, B)),)))
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(UserError, match=says):
        read_shown_equal(path)
