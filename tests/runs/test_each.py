"""Entries that differ in a few words and are written as one: what they expand to, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shared.errors import UserError
from shared.runs.each import Entry, expand
from shared.runs.reference import read_reference
from shared.runs.yaml_files import load
from tests.runs.test_reference import MINIMAL, line_of, write

PLAIN = """\
- {id: A, says: alone}
- each:
    - {letter: b, place: on LFW, levels: [1, 2], note: null}
    - letter: c
      place: on {IJB}
      levels: 0.5
      note: why
  id: B{letter}
  says: It works {place}, {letter}.
  test: {runs: 'table2/{0,1}/*', levels: '{levels}', more: ['{letter}', 3]}
  note: '{note}'
"""


def expanded(tmp_path: Path, text: str) -> list[Entry]:
    path = tmp_path / "list.yaml"
    path.write_text(text, encoding="utf-8")
    document = load(path)
    return expand(document, (), document.data)


def test_placeholders_take_what_each_mapping_gives(tmp_path: Path) -> None:
    alone, first, second = expanded(tmp_path, PLAIN)
    assert alone == Entry({"id": "A", "says": "alone"}, (0,))
    assert first.data == {
        "id": "Bb",
        "says": "It works on LFW, b.",
        "test": {"runs": "table2/{0,1}/*", "levels": [1, 2], "more": ["b", 3]},
        "note": None,
    }
    assert second.data["test"] == {"runs": "table2/{0,1}/*", "levels": 0.5, "more": ["c", 3]}
    assert (second.data["says"], second.data["note"]) == ("It works on {IJB}, c.", "why")
    assert [(entry.key, entry.line) for entry in (first, second)] == [((1,), 3), ((1,), 4)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- {each: [], id: A}", "1: 0.each: is no list of mappings"),
        ("- {each: {letter: a}, id: 'A{letter}'}", "1: 0.each: is no list of mappings"),
        ("- each:\n    - a\n  id: A", "1: 0.each: is no list of mappings"),
        (
            "- each:\n    - {letter: a}\n  id: A{leter}",
            "3: 0.id: nothing below 'each' gives 'leter'; did you mean",
        ),
        ("- each:\n    - {letter: a}\n    - {}\n  id: A{letter}", "3: 0.each.1: does not give 'letter'; add it"),
        (
            "- each:\n    - {letter: a}\n    - letter: b\n      noun: c\n  id: A{letter}",
            "4: 0.each.1.noun: no text of the entry has '{noun}'",
        ),
    ],
)
def test_what_does_not_fit_is_named_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(UserError) as error:
        expanded(tmp_path, text)
    assert str(error.value).startswith(f"{tmp_path / 'list.yaml'}:{says}")


def of_claims(tmp_path: Path, **claim: Any) -> Path:
    given = {"each": [{"letter": "a"}, {"letter": "b"}], "id": "C{letter}", "says": "{letter}", "where": "Sec. 1"}
    return write(tmp_path, {**MINIMAL, "claims": [*MINIMAL["claims"], given | claim]})


def test_one_entry_of_a_reference_is_several_claims(tmp_path: Path) -> None:
    claims = read_reference(of_claims(tmp_path, untestable="as {letter}")).claims
    assert [(claim.id, claim.says, claim.untestable) for claim in claims[1:]] == [
        ("Ca", "a", "as a"),
        ("Cb", "b", "as b"),
    ]


def test_a_wrong_claim_is_reported_where_it_is_written_with_the_line_of_its_values(tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        read_reference(of_claims(tmp_path, untestable="no", wheer="Sec. 2"))
    message = str(error.value)
    assert f":{line_of(tmp_path, 'wheer')}: claims.1.wheer: unknown key; did you mean 'where'?" in message
    assert message.endswith(f"(with the values on line {line_of(tmp_path, 'letter: a')})")


def test_one_id_for_all_of_them_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        read_reference(of_claims(tmp_path, untestable="no", id="C2"))
    message = str(error.value)
    assert f":{line_of(tmp_path, 'id: C2')}: claims.1.id: 'C2' is given twice" in message
    assert message.endswith(f"(with the values on line {line_of(tmp_path, 'letter: b')})")
