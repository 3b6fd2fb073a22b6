"""runs.yaml: how grids, variants and scales resolve, and how mistakes in it are named."""

from __future__ import annotations

import pytest

from shared.errors import UserError
from shared.evaluation.face_benchmarks import Templates
from shared.runs.catalogue import evaluations
from shared.runs.config import config_hash
from shared.runs.registry import TRAINED_SCALES, Paper
from tests.runs.samples import MINIMAL, paper


def complaint(tmp_path, text: str) -> str:
    with pytest.raises(UserError) as error:  # noqa: PT012
        for scale in ("lite", "full"):
            paper(tmp_path, text).runs(scale)
    message = str(error.value)
    assert "\n" not in message
    return message


def test_a_grid_spans_its_axes_and_scales_override_last(tmp_path):
    minimal = paper(tmp_path, MINIMAL)
    assert list(minimal.runs("full")) == ["a/softmax", "a/affinity", "b/0.1", "b/50"]
    assert list(minimal.runs("smoke")) == ["a/softmax", "a/affinity", "b/50"]
    by_scale = {scale: minimal.run("b/50", scale) for scale in TRAINED_SCALES}
    assert {scale: run.config.training.epochs for scale, run in by_scale.items()} == {
        "smoke": 1,
        "lite": 2,
        "full": 9,
    }
    assert [run.seeds for run in by_scale.values()] == [2, 2, 5]
    assert by_scale["full"].axes == {"sigma": "50"}
    assert by_scale["full"].config.loss.model_dump()["sigma"] == 50
    assert minimal.run("a/softmax", "full").config.loss.name == "softmax"


def test_a_group_is_run_at_the_scales_that_it_names(tmp_path):
    text = MINIMAL.replace("  b/{sigma}:\n", "  b/{sigma}:\n    at: [lite, full]\n")
    some = paper(tmp_path, text)
    assert list(some.runs("smoke")) == ["a/softmax", "a/affinity"]
    assert (
        list(some.runs("lite")) == list(some.runs("full")) == some.names == ["a/softmax", "a/affinity", "b/0.1", "b/50"]
    )
    with pytest.raises(UserError, match=r"has no run 'b/50' at scale 'smoke'; "):
        some.run("b/50", "smoke")


def test_the_hash_tells_what_decides_the_weights_and_nothing_else(tmp_path):
    run = paper(tmp_path, MINIMAL).run("a/softmax", "full")
    measured = paper(tmp_path, MINIMAL.replace("[mnist-test]", "[mnist-geometry]")).run("a/softmax", "full")
    trained = paper(tmp_path, MINIMAL.replace("0.1}", "0.2}")).run("a/softmax", "full")
    assert run.hash == measured.hash != trained.hash
    assert run.hash == config_hash(run.config.identity())
    assert run.config.plain() != measured.config.plain()


def test_tf32_is_for_runs_on_gpus(tmp_path):
    text = MINIMAL.replace("batch_size: 32}", "batch_size: 32, precision: tf32}")
    assert paper(tmp_path, text).run("a/softmax", "full").config.training.precision == "tf32"
    on_processors = text.replace("scales:\n", 'scales:\n  - {runs: "*", set: training.gpus, lite: 0}\n')
    assert "precision tf32 is for GPUs: give gpus of 1 or more, or precision fp32" in complaint(tmp_path, on_processors)


def test_every_setting_is_part_of_the_hash(tmp_path):
    run = paper(tmp_path, MINIMAL).run("a/affinity", "full")
    for before, after in (
        ("{name: mnist-5k}", "{name: mnist-5k, sampling: {label_noise: 0.1}}"),
        ("filters: [8, 16, 32]", "filters: [8, 16, 33]"),
        ("sigma: 10, margin: 0.5", "sigma: 10, margin: 0.6"),
        ("batch_size: 32", "batch_size: 33"),
    ):
        assert before in MINIMAL
        assert paper(tmp_path, MINIMAL.replace(before, after)).run("a/affinity", "full").hash != run.hash


@pytest.mark.parametrize(
    ("before", "after", "line", "says"),
    [
        ("training: {epochs", "trainning: {epochs", 8, "trainning: unknown key; did you mean 'training'?"),
        ("batch_size", "batchsize", 8, "training.batchsize: unknown key; did you mean 'batch_size'?"),
        ("epochs: 2", "epochs: two", 8, "training.epochs: input should be a valid integer"),
        ("epochs: 2", "epochs: 0", 8, "training.epochs: input should be greater than or equal to 1"),
        ("full: 9", "full: -9", 21, "training.epochs: input should be greater than or equal to 1 (found -9)"),
        ("to: [0.1, 50]", "to: [0, 50]", 19, "loss.sigma: input should be greater than 0 (found 0)"),
        (
            "affinity: {loss: {name: affinity",
            "affinity: {loss: {name: afinity",
            13,
            "did you mean 'affinity'?",
        ),
        (
            "[softmax, affinity]",
            "[sotfmax]",
            16,
            "'sotfmax' is no variant of 'loss'; did you mean 'softmax'?",
        ),
        ("mnist-test]", "mnist-tset]", 9, "there is no benchmark 'mnist-tset'; did you mean 'mnist-test'?"),
        ("name: mnist-5k", "name: mnist5k", 3, "did you mean 'mnist-5k'?"),
        ("seeds: 2", "seeds: 1001", 2, "seeds: input should be less than or equal to 1000 (found 1001)"),
        ("epochs: 2", f"epochs: {1 << 63}", 8, "training.epochs: input should be less than 9223372036854775808"),
        ("seeds: 2", "seeds: none", 2, "seeds: input should be a valid integer"),
        ("seeds: 2", "seeds: 2\n  seeds: 3", 3, "'seeds' is given twice"),
        ("smoke: [50]", "smoke: [5]", 19, "sigma: 5 is none of the levels in 'to'"),
        ('runs: ["a/*"]', "runs: []", 24, "targets.table1.runs: tuple should have at least 1 item"),
        (
            "set: {loss: {name: affinity, sigma: 1, margin: 0.5}}",
            "set: {loss: {name: affinity, sigma: 1, margin: 0.5}, training.batch_size.x: 3}",
            18,
            "training.batch_size: input should be a valid integer",
        ),
        ("kind: table", "kind: tabel", 24, "did you mean 'table'?"),
        ("set: training.epochs", "sett: training.epochs", 21, "unknown key; did you mean 'set'?"),
        (
            "  a/{loss}:\n    loss:",
            "  a/{loss}:\n    los:",
            15,
            "'los' is neither 'set' nor 'at' nor an axis in the name",
        ),
        ("  b/{sigma}:\n", "  b/{sigma}:\n    at: [lite, ful]\n", 18, "there is no scale 'ful'; did you mean 'full'?"),
        ("runs:\n  a", "runs: [\n  a", 15, "not valid YAML"),
        ("a/{loss}:", "a/{loss}/{0}:", 15, "a brace in the name is not one of a plain {axis}"),
        (
            "    set: {loss: {name: affinity, sigma: 1, margin: 0.5}}",
            "    set: [loss.sigma]",
            18,
            "is no mapping of settings",
        ),
        ("{set: loss.sigma, to: [0.1, 50], smoke: [50]}", "{a: {1: 2}}", 19, "1: unknown key"),
        ("    softmax: {loss: {name: softmax}}", "    1: {}\n    '1': {}", 11, "two levels have the same name"),
    ],
)
def test_a_mistake_is_one_sentence_with_file_line_and_the_nearest_name(tmp_path, before, after, line, says):
    assert before in MINIMAL
    message = complaint(tmp_path, MINIMAL.replace(before, after))
    assert message.startswith(f"{tmp_path}/gaussian_affinity/runs.yaml:{line}: "), message
    assert says in message


def test_a_benchmark_for_classifiers_without_bias_is_not_given_one_with(tmp_path):
    folder = tmp_path / "feature_transfer"
    folder.mkdir()
    text = MINIMAL.replace("[mnist-test]", "[one-shot]")
    text = text.replace("affinity: {loss: {name: affinity, sigma: 10, margin: 0.5}}", "plain: {loss: {name: softmax}}")
    text = text[: text.index("  b/{sigma}")].replace("[softmax, affinity]", "[softmax]") + "targets: {}\n"
    (folder / "runs.yaml").write_text(text)
    with pytest.raises(UserError, match=r":9: benchmarks: 'one-shot' is for a classifier without bias; set loss.bias"):
        Paper(folder).runs("full")
    (folder / "runs.yaml").write_text(
        text.replace("softmax: {loss: {name: softmax}}", "softmax: {loss: {name: softmax, bias: false}}")
    )
    assert list(Paper(folder).runs("full")) == ["a/softmax"]


JOINED = """\
    softmax:
      loss:
        name: joint
        base:
          name: arcface
          scale: 64
          margin: 0.5
        term:
          name: discrepancy
          weight: 0.2
"""


@pytest.mark.parametrize(
    ("before", "after", "line", "says"),
    [
        ("name: joint", "name: join", 14, "loss.name: there is no 'join'; did you mean 'joint'?"),
        ("base:", "bass:", 15, "loss.bass: unknown key; did you mean 'base'?"),
        ("arcface", "arcfaces", 16, "loss.base.name: there is no 'arcfaces'; did you mean 'arcface'?"),
        ("margin: 0.5", "marge: 0.5", 18, "loss.base.marge: unknown key; did you mean 'margin'?"),
        ("margin: 0.5", "margin: 4", 18, "loss.base.margin: input should be less than or equal to 3.14"),
        ("          margin: 0.5\n", "", 15, "loss.base.margin: is missing; add it"),
        (
            "arcface\n          scale: 64\n          margin: 0.5",
            "softmax",
            15,
            "loss.base: the base of a joint loss has no",
        ),
        (
            "name: discrepancy",
            "name: discrepency",
            20,
            "loss.term.name: there is no 'discrepency'; did you mean 'discr",
        ),
        ("          name: discrepancy\n", "", 19, "loss.term: does not say its 'name'; add it"),
        ("weight: 0.2", "weight: -1", 21, "loss.term.weight: input should be greater than or equal to 0 (found -1)"),
    ],
)
def test_a_mistake_in_a_component_of_a_component_is_named_alike(tmp_path, before, after, line, says):
    assert before in JOINED
    minimal = MINIMAL.replace("    softmax: {loss: {name: softmax}}\n", JOINED)
    assert paper(tmp_path, minimal).run("a/softmax", "full").config.plain()["loss"]["base"]["name"] == "arcface"
    message = complaint(tmp_path, minimal.replace(before, after))
    assert message.startswith(f"{tmp_path}/gaussian_affinity/runs.yaml:{line}: "), message
    assert says in message


def test_a_component_with_an_option_of_its_own_name_is_told_from_that_option(tmp_path):
    folder = tmp_path / "regular_polytope"
    folder.mkdir()
    text = MINIMAL.replace("{name: softmax}}", "{name: polytope, polytope: simplx}}").split(
        "    affinity:", maxsplit=1
    )[0]
    text += "runs:\n  a/{loss}: {}\ntargets: {}\n"
    (folder / "runs.yaml").write_text(text)
    with pytest.raises(UserError, match=r"runs\.yaml:12: loss\.polytope: 'simplx' is none of the choices"):
        Paper(folder).runs("full")


IJB = MINIMAL.replace("benchmarks: [mnist-test]", "benchmarks: [mnist-test, ijb-c]")


def test_a_run_sets_options_of_a_benchmarks_protocol_which_change_no_training(tmp_path):
    plain = paper(tmp_path, IJB).run("b/50", "smoke")
    text = IJB.replace(
        '  - {runs: "b/*"', '  - {runs: "b/*", set: protocols.ijb-c.norms, smoke: removed}\n  - {runs: "b/*"'
    )
    text = text.replace("variants:", "  protocols.ijb-c: {detector: true, flip: none}\nvariants:")
    run = paper(tmp_path, text).run("b/50", "smoke")
    before, after = (evaluations(entry, ["ijb-c"])["ijb-c"].benchmark for entry in (plain, run))
    assert before.options == {
        "flip": "sum",
        "norms": "kept",
        "detector": False,
    }
    assert after.options == {
        "flip": "none",
        "norms": "removed",
        "detector": True,
    }
    assert after.build() == Templates(flip="none", norms="removed", detector=True)
    assert "protocols" not in plain.config.plain()
    assert run.config.plain()["protocols"] == {"ijb-c": {"detector": True, "flip": "none", "norms": "removed"}}
    assert run.hash == plain.hash


def test_options_of_what_is_measured_along_training_belong_to_its_curve(tmp_path):
    along = IJB.replace("[mnist-test, ijb-c]", "[mnist-test]\n  along_training: [ijb-c]")
    set_otherwise = along.replace("variants:", "  protocols.ijb-c: {norms: removed}\nvariants:")
    hashes = {paper(tmp_path, text).run("b/50", "smoke").hash for text in (along, set_otherwise)}
    assert len(hashes) == 2


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("ijb-c: {norm: kept}", ":10: protocols.ijb-c: 'norm' is no option of 'ijb-c'; did you mean 'norms'?"),
        (
            "ijb-c: {splits: [train]}",
            ":10: protocols.ijb-c: 'splits' is no option of 'ijb-c'; valid",
        ),
        ("ijb-c: {norms: keep}", ":10: protocols.ijb-c: norms: 'keep' is none of the choices; did you mean 'kept'?"),
        ("ijb-b: {norms: kept}", ":10: protocols.ijb-b: the run names no benchmark 'ijb-b'; did you mean 'ijb-c'?"),
    ],
)
def test_a_protocol_set_wrongly_is_named(tmp_path, options, says):
    assert says in complaint(tmp_path, IJB.replace("variants:", f"  protocols.{options}\nvariants:"))


def test_an_imbalance_that_keeps_every_image_is_no_imbalance(tmp_path):
    whole, kept, halved = (
        paper(tmp_path, MINIMAL.replace("data: {name: mnist-5k}", f"data: {{name: mnist-5k{sampling}}}")).run(
            "a/softmax", "full"
        )
        for sampling in (
            "",
            ", sampling: {imbalance: {classes: [1, 3], fraction: 1}}",
            ", sampling: {imbalance: {classes: [1, 3], fraction: 0.5}}",
        )
    )
    assert whole.hash == kept.hash != halved.hash
    assert kept.config.plain()["data"]["sampling"]["imbalance"] == {"classes": [1, 3], "fraction": 1}
