"""A small runs.yaml, for the tests of what is read from one."""

from __future__ import annotations

from shared.runs.registry import Paper

MINIMAL = """\
defaults:
  seeds: 2
  data: {name: mnist-5k}
  backbone: {name: small-cnn, filters: [8, 16, 32]}
  loss: {name: softmax}
  scheme: {name: classification}
  optimizer: {name: sgd, learning_rate: 0.1}
  training: {epochs: 2, batch_size: 32}
  benchmarks: [mnist-test]
variants:
  loss:
    softmax: {loss: {name: softmax}}
    affinity: {loss: {name: affinity, sigma: 10, margin: 0.5}}
runs:
  a/{loss}:
    loss: [softmax, affinity]
  b/{sigma}:
    set: {loss: {name: affinity, sigma: 1, margin: 0.5}}
    sigma: {set: loss.sigma, to: [0.1, 50], smoke: [50]}
scales:
  - {runs: "*", set: training.epochs, smoke: 1, full: 9}
  - {runs: "b/*", set: seeds, full: 5}
targets:
  table1: {kind: table, title: A table, runs: ["a/*"]}
"""


def paper(tmp_path, text: str) -> Paper:
    folder = tmp_path / "gaussian_affinity"
    folder.mkdir(exist_ok=True)
    (folder / "runs.yaml").write_text(text)
    return Paper(folder)
