"""The report as a folder of static pages.

The folder is self-contained: relative links only, no scripts, its own copies of pictures and data files.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image

from shared.errors import UserError
from shared.reporting.charts import (
    FEWEST,
    claims_chart,
    claims_links,
    curves_chart,
    effects_chart,
    offsets_chart,
    offsets_links,
    scored,
)
from shared.reporting.findings import findings
from shared.reporting.older_code import MEANINGS as MEANINGS_OF_CODE
from shared.reporting.room import WHOLE, glance, image_size, is_many, needs_the_card, width
from shared.reporting.site import PaperPage, ProvenanceRow, Site, TargetSection, count
from shared.reporting.svg import TONES
from shared.reporting.words import SCALES, SCORED, WORDS
from shared.verdicts.health import MEANINGS, VOID
from shared.verdicts.words import counted, in_print

THUMBNAIL = (480, 360)
"""In pixels, the most that the picture of a target has in the overview, where it is shown half as large."""


def write_site(site: Site, folder: Path) -> None:
    """Write the pages with copies of their pictures and downloads to `folder`, as `replace_report` does."""
    replace_report(folder, lambda fresh: _write_pages(site, fresh))


def replace_report(folder: Path, write: Callable[[Path], None]) -> None:
    """Let a report be written to an empty folder, and put it in the place of an older one.

    The new report is built beside `folder` and put in its place whole: whenever this is killed, a whole report is
    there, if one was. Of several processes that write at the same time each waits for the one before; what a killed one
    left is removed. A `folder` that holds anything but a report is left alone (UserError).
    """
    folder = folder.resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _alone_in(folder.parent):
        if folder.exists() and any(folder.iterdir()) and not (folder / "report.css").is_file():
            raise UserError(f"{folder} is not empty and holds no report; name another folder or empty it first")
        for leftover in folder.parent.glob(".report-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".report-") as scratch:
            fresh = Path(scratch) / "new"
            fresh.mkdir()
            write(fresh)
            if folder.exists():
                _exchange(fresh, folder)
            else:
                fresh.rename(folder)


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder, without a file for it; where another process has it, wait."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _exchange(one: Path, other: Path) -> None:
    """Let two folders change their names at one moment; in two steps, where the system has no call for that."""
    here, exchange = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of Linux
    rename = getattr(ctypes.CDLL(None), "renameat2", None)
    if rename is None or rename(here, os.fsencode(one), here, os.fsencode(other), exchange) != 0:
        aside = one.with_name("old")
        other.rename(aside)
        one.rename(other)


def templates(site: Site, folder: Path) -> Environment:
    """Return the templates of the pages of a report, and write the style that all pages share to its folder."""
    loader = PackageLoader("shared.reporting")
    pages = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    pages.globals.update(
        site=site,
        words=WORDS,
        scales=SCALES,
        void=VOID,
        ills=MEANINGS,
        codes=MEANINGS_OF_CODE,
        scored_words=SCORED,
        tones=TONES,
    )
    pages.globals.update(claims_chart=claims_chart, offsets_chart=offsets_chart, effects_chart=effects_chart)
    pages.globals.update(claims_links=claims_links, offsets_links=offsets_links, fewest=FEWEST)
    pages.globals.update(scored=scored, findings=findings, count=count, counted=counted, curve_address=_curve_address)
    pages.globals.update(glance=glance, needs_the_card=needs_the_card, is_many=is_many, width=width, whole=WHOLE)
    pages.filters.update(file_size=file_size, megabytes=megabytes, image_size=image_size, in_print=in_print)
    style, _, _ = loader.get_source(pages, "report.css")
    (folder / "report.css").write_text(style, encoding="utf-8")
    return pages


def _write_pages(site: Site, folder: Path) -> None:
    pages = templates(site, folder)
    for paper in site.papers:
        copies = _copy_files(paper.targets, folder / paper.key)
        _write_thumbnails(paper, folder)
        _write_curves(paper, folder)
        page = pages.get_template("paper.html.j2").render(paper=paper, address=copies.__getitem__)
        _write(folder / f"{paper.key}.html", page)
    if site.against is not None:
        _write(folder / "against.html", pages.get_template("against.html.j2").render(against=site.against))
    copies = _copy_files([site.tried] if site.tried else [], folder / "tried")
    index = pages.get_template("index.html.j2")
    _write(folder / "index.html", index.render(thumbnail_address=_thumbnail_address, address=copies.__getitem__))


def _thumbnail_address(paper: PaperPage, target: TargetSection) -> str:
    return f"{paper.key}/thumbnails/{target.key}.png"


def _write_thumbnails(paper: PaperPage, folder: Path) -> None:
    """Write a small copy of each picture, for the overview."""
    for target in paper.targets:
        if target.image is not None:
            path = folder / _thumbnail_address(paper, target)
            path.parent.mkdir(parents=True, exist_ok=True)
            with Image.open(target.image, formats=["PNG"]) as picture:
                small = picture.convert("RGB")
                small.thumbnail(THUMBNAIL, Image.Resampling.LANCZOS, reducing_gap=2)
                small.quantize(64, dither=Image.Dither.NONE).save(path, optimize=True)


def _curve_address(paper: PaperPage, run: ProvenanceRow) -> str:
    return f"{paper.key}/curves/{run.run}.svg"


def _write_curves(paper: PaperPage, folder: Path) -> None:
    """Write the learning curves of each run of a paper once, however many targets it is behind."""
    for run in {run.run: run for target in paper.targets for run in target.provenance if run.curves}.values():
        path = folder / _curve_address(paper, run)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(curves_chart(run), encoding="utf-8")


def _copy_files(targets: Iterable[TargetSection], folder: Path) -> dict[Path, str]:
    """Copy the pictures and downloads of some targets; return each source's address relative to the pages."""
    copies: dict[Path, str] = {}
    for target in targets:
        named = [] if target.image is None else [(target.image, target.key + target.image.suffix)]
        for source, name in [*named, *((download, download.name) for download in target.downloads)]:
            copy = folder / name
            if source not in copies:
                if copy.exists():
                    raise ValueError(f"two files of {folder.name} would both be kept as {name}")
                folder.mkdir(exist_ok=True)
                shutil.copyfile(source, copy)
            copies.setdefault(source, f"{folder.name}/{name}")
    return copies


def _write(path: Path, page: str) -> None:
    path.write_text(page, encoding="utf-8", newline="\n")


def file_size(path: Path) -> str:
    """Say how large a file is: "3 kB"."""
    size = path.stat().st_size
    return f"{size} bytes" if size < 1000 else megabytes(size / 1e6)


def megabytes(size: float) -> str:
    """Say how large so many megabytes are, in a unit that fits: "3 kB", "11.6 MB", "250 GB"."""
    value, unit = (size * 1e3, "kB") if size < 1 else (size, "MB") if size < 1e3 else (size / 1e3, "GB")
    return f"{value:.3g} {unit}"
