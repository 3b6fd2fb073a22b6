"""Which characters the runs of EMNIST were trained and tested on, for what is drawn of them."""

from __future__ import annotations

from shared.records.records import Records

EMNIST = "emnist-balanced"


def said_of_data(records: Records) -> list[str]:
    """Return a note that names the data sets of the runs of EMNIST, if any is not the paper's; else none."""
    used = {str(record.config["data"]["name"]) for record, _ in records.records if "emnist/" in record.run}
    others = sorted(used - {EMNIST})
    return [f"Characters: of the data set {' and '.join(others)}, other images than the paper's."] if others else []
