"""How time and memory grow with the work: a tenth, the whole and ten times the real size, from generated input.

What grows is reading of face sets and lists, statistics of features, 1:1 and 1:N protocols. Each size has a process of
its own. The time is the processor's, which what else a machine does hardly changes, by default of one thread, which
waits for no other; it is that of the work without generating its input. The peak memory is above what the process has
before, with the input, without generating it, and without pages of files mapped into memory, which the system takes
back. The exponents say how both grow from the size before: 1 is in proportion.

What would take more than `--limit` of those seconds, with generating its input, or more memory than there is is not
run, or not to its end: it is extrapolated from the two sizes before, and said to be. RecordIO's index is read of
records without a picture in them; its streaming, whose speed the size hardly changes, of a smaller set than the
largest: drawn faces over and over.
"""

from __future__ import annotations

import argparse
import math
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.face_protocols import Known, Size, distractor_set, of_people, template_set
from benchmarks.feature_statistics import Stream, streamed
from benchmarks.measuring import Row, apart, at_least, forget_peak, main, parser, resident
from shared.data.evaluation_sets import TemplateSet
from shared.data.formats.recordio import INDEX, PROPERTY, RECORDS, RecordFaces, header, record, write_records
from shared.data.rendered.faces import render
from shared.data.sets.ijb import CROPS, META, IjbC, read
from shared.evaluation.angles import Angles
from shared.evaluation.face_benchmarks import Distractors, Templates
from shared.evaluation.output import Output
from shared.training.streaming import StreamedImages

FACTORS = {"a tenth": 0.1, "the whole": 1, "ten times": 10}
PROBES, GALLERIES = 19_593, (1772, 1759)
"""Of IJB-C's 1:N."""
FACES, CHUNK = 1024, 1_000_000
MEMORY = 0.8
"""The share of the memory that is left which the work may take, its input with it."""
Work = Callable[[], object]


def digits(*columns: NDArray[np.integer]) -> bytes:
    """Return lines of whole numbers, each with as many digits as the greatest of its column, and a blank after each."""
    texts = []
    for column in columns:
        width = len(str(int(column.max(initial=0))))
        powers = 10 ** np.arange(width - 1, -1, -1)
        texts += [(column[:, None] // powers % 10 + ord("0")).astype(np.uint8), np.full((len(column), 1), 32, np.uint8)]
    texts[-1][:] = ord("\n")
    return np.concatenate(texts, axis=1).tobytes()


def write_lines(
    file: BinaryIO, count: int, columns: Callable[[NDArray[np.int64]], tuple[NDArray[np.int64], ...]]
) -> None:
    """Write so many lines of the numbers that `columns` gives for the numbers of the lines."""
    for begin in range(0, count, CHUNK):
        file.write(digits(*columns(np.arange(begin, min(begin + CHUNK, count)))))


def repeated(folder: Path, records: list[bytes], count: int) -> None:
    """Write a RecordIO file of `count` records, some over and over, and its index; every record is an image."""
    lengths = np.array([len(one) for one in records])
    starts, whole = np.cumsum(lengths) - lengths, b"".join(records)
    with (folder / RECORDS).open("wb") as file:
        for _ in range(count // len(records)):
            file.write(whole)
        file.writelines(records[: count % len(records)])
    with (folder / INDEX).open("wb") as file:
        write_lines(file, count, lambda n: (n + 1, n // len(records) * len(whole) + starts[n % len(records)]))
    (folder / PROPERTY).write_text(f"{min(count, 1000)},112,112", encoding="ascii")


def record_index(size: int, folder: Path) -> Work:
    """Read index, headers and labels of a face set."""
    repeated(folder, [record(header(key, (key, 1)) + b"none") for key in range(1000)], size)
    return lambda: RecordFaces(folder)


def record_stream(size: int, folder: Path) -> Work:
    """Read, decode and normalise all faces of a set in random order, in batches of 512."""
    people = np.arange(FACES) // 16
    faces = folder / "faces"
    write_records(faces, render(people, np.arange(FACES) % 16).images, people)
    content = (faces / RECORDS).read_bytes()
    begins = [int(line.split()[1]) for line in (faces / INDEX).read_text(encoding="ascii").splitlines()[: FACES + 1]]
    repeated(folder, [content[begin:end] for begin, end in pairwise(begins)], size)
    source = RecordFaces(folder)
    images = StreamedImages(
        source, np.arange(size), source.labels, torch.device("cpu"), workers=torch.get_num_threads()
    )
    return lambda: sum(len(batch) for batch, _ in images.epoch(512, 0, 0))


def ijb_lists(size: int, folder: Path) -> Work:
    """Read landmarks, media and pairs of IJB-C, and see that each crop is there."""
    whole = Size()
    part = whole.times(size / whole.template_pairs)
    (folder / CROPS).mkdir()
    (folder / META).mkdir()
    points = " ".join(f"{value:.3f}" for value in (38.29, 51.7, 73.53, 51.5, 56.03, 71.74, 41.55, 92.37, 70.73, 92.2))
    with (
        (folder / META / "ijbc_name_5pts_score.txt").open("w", encoding="ascii") as landmarks,
        (folder / META / "ijbc_face_tid_mid.txt").open("w", encoding="ascii") as media,
    ):
        for number in range(part.images):
            (folder / CROPS / f"{number}.jpg").touch()
            landmarks.write(f"{number}.jpg {points} 0.98{number % 10}\n")
            media.write(f"{number}.jpg {number % part.templates} {number}\n")
    templates = part.templates
    with (folder / META / "ijbc_template_pair_label.txt").open("wb") as pairs:
        write_lines(pairs, size, lambda n: (n % templates, (n * 7919 + n // templates) % templates, n % 800 // 799))
    return lambda: read(folder, IjbC.card, "ijbc")


def feature_statistics(size: int, folder: Path) -> Work:  # noqa: ARG001
    """Take centers, components and hard samples of rich features in one pass, as feature transfer does."""
    return partial(streamed, Stream(size, of_class=63, dimensions=320, batch=512))


def angles(size: int, folder: Path) -> Work:  # noqa: ARG001
    """Measure the angles of embeddings, of 47 classes in 46 dimensions, to vectors and means."""
    generator = np.random.default_rng(0)
    labels = np.arange(size) % 47
    vectors = generator.standard_normal((47, 46), np.float32)
    embeddings = generator.standard_normal((size, 46), np.float32)
    embeddings += 3 * vectors[labels]
    return partial(Angles(), Output(embeddings, labels, labels, vectors[:, None], ()))


def one_to_one(size: int, folder: Path) -> Work:  # noqa: ARG001
    """Compare the templates of IJB-C; images, templates and pairs grow alike."""
    whole = Size()
    return partial(Templates(flip="none"), *template_set(whole.times(size / whole.template_pairs)))


def one_to_n(size: int, folder: Path) -> Work:  # noqa: ARG001
    """Search IJB-C's probes in its two galleries, which grow with the probes: comparisons grow as the square."""
    sizes = [max(round(entries * size / PROBES), 2) for entries in GALLERIES]
    generator = np.random.default_rng(0)
    people = np.concatenate([np.arange(sum(sizes)), generator.integers(0, sum(sizes), size)])
    network = Known(of_people(people, 512, 8.0, generator))
    template = np.arange(len(people))
    data = TemplateSet(
        images=network.sources[0],
        template=template,
        media=template,
        first=template[:2],
        second=template[1:3],
        same=np.array([True, False]),
        subjects=dict(enumerate(people.tolist())),
        galleries=(template[: sizes[0]], template[sizes[0] : sum(sizes)]),
        probes=template[sum(sizes) :],
        checksums={},
    )
    return partial(Templates(flip="none"), data, network)


def megaface(size: int, folder: Path) -> Work:  # noqa: ARG001
    """Search MegaFace's 3,530 probes among distractors; the distractors grow."""
    return partial(Distractors(flip="none"), *distractor_set(Size(distractors=size)))


class Growing(NamedTuple):
    """Work that grows: its real size, of what, and a function that generates input and returns the work on it."""

    real: int
    unit: str
    begun: Callable[[int, Path], Work]


WORKS = {
    "RecordIO, index and headers (MS1MV2)": Growing(5_822_653, "images", record_index),
    "RecordIO, decoded and streamed (CASIA-WebFace)": Growing(490_623, "images", record_stream),
    "lists of IJB-C": Growing(15_658_489, "pairs", ijb_lists),
    "feature statistics (MS-Celeb-1M)": Growing(4_800_000, "images", feature_statistics),
    "angles (EMNIST balanced)": Growing(112_800, "images", angles),
    "1:1 of IJB-C": Growing(15_658_489, "pairs", one_to_one),
    "1:N of IJB-C": Growing(PROBES, "probes", one_to_n),
    "1:N of MegaFace": Growing(1_000_000, "distractors", megaface),
}


class Taken(NamedTuple):
    """Seconds of the processor and peak memory (MiB) of some work at a size, and seconds of generating its input."""

    size: int
    seconds: float
    mebibytes: float
    generating: float


def take(name: str, size: int) -> Taken | None:
    """Do the work of one size in this process, which may end thereafter; None where it takes too much memory."""
    most = int(resident("VmData") + MEMORY * available()) * 2**20
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    try:
        return _taken(name, size)
    except MemoryError:
        return None
    except RuntimeError as error:  # torch has no error of its own for it
        if "alloc" in str(error):
            return None
        raise


def _taken(name: str, size: int) -> Taken:
    with tempfile.TemporaryDirectory() as folder:
        begin = resident("VmRSS") - resident("RssFile")
        began = time.process_time()
        work = WORKS[name].begun(size, Path(folder))
        generated = time.process_time()
        forget_peak()
        work()
        taken, generating = time.process_time() - generated, generated - began
        return Taken(size, taken, max(resident("VmHWM") - resident("RssFile") - begin, 1), generating)


def exponents(first: Taken, second: Taken) -> tuple[float, float]:
    """Return the slopes of time and memory from one size to the next, both in logarithms."""
    growth = math.log(second.size / first.size)
    return math.log(second.seconds / first.seconds) / growth, math.log(second.mebibytes / first.mebibytes) / growth


def extrapolated(first: Taken, second: Taken, size: int) -> Taken:
    """Return what a size would take if both went on growing as from the first size to the second."""
    of_time, of_memory = exponents(first, second)
    more = size / second.size
    return Taken(size, second.seconds * more**of_time, second.mebibytes * more**of_memory, second.generating * more)


def available() -> float:
    """Return the memory (MiB) that processes can still have; Linux alone tells it."""
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")) / 1024


def _fits(one: Taken, limit: float) -> bool:
    return one.seconds + one.generating <= limit and one.mebibytes <= MEMORY * available()


def grown(name: str, scale: float, limit: float) -> Iterator[Row]:
    """Measure some work at each size, or extrapolate what would take too long or too much memory."""
    work = WORKS[name]
    before: list[Taken] = []
    for words, factor in FACTORS.items():
        size = max(int(work.real * factor * scale), 1)
        expected = extrapolated(before[-2], before[-1], size) if len(before) > 1 else None
        runs = expected is None or _fits(expected, limit)
        one = (apart(take, name, size) if runs else None) or expected
        if one is None:
            raise SystemExit(f"{name}: {size:,} {work.unit} take more memory than there is.")
        note = "time ~ n^{:.2f}, memory ~ n^{:.2f}".format(*exponents(before[-1], one)) if before else ""
        before.append(one)
        yield Row(
            part=f"{name}: {words}, {size:,}",
            seconds=one.seconds,
            count=size,
            unit=work.unit,
            peak_mib=one.mebibytes,
            note=note,
            measured=one is not expected,
        )


def measured(given: argparse.Namespace) -> Iterator[Row]:
    """Measure all kinds of work, or the `--only` ones, whose names contain one of the texts."""
    for name in WORKS:
        if not given.only or any(text in name for text in given.only):
            yield from grown(name, given.scale, given.limit)


def parsed(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options of the command line."""
    options = parser(__doc__, threads=1, repetitions=1)
    options.add_argument("--only", nargs="+", help="texts in the names of the work to measure (all)")
    options.add_argument("--scale", type=float, default=1, help="of all sizes; below 1 only tries the script out (1)")
    options.add_argument(
        "--limit", type=at_least(1), default=120, help="seconds of a processor that ten times may take (120)"
    )
    return options.parse_args(arguments)


if __name__ == "__main__":
    main(measured, parsed())
