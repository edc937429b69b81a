"""The figures of chapter 5 and appendix A that are graphs: each is a command, with its numbers."""

import json

import numpy as np
import pytest

APPLES = "apple * apple_count * tax", "apple=100", "apple_count=2", "tax=1.1"
BOTH = ("(apple * apple_count + orange * orange_count) * tax", *APPLES[1:], "orange=150",
        "orange_count=3")  # fmt: skip
AFFINE = "x=[1, 2]", "W=[[1, 3, 5], [2, 4, 6]]", "b=[1, 2, 3]"
BATCH = "X=normal(4, 2)", "W=normal(2, 3)", "b=normal(3)"
LOGITS, LABEL = [0.3, 2.9, 4.0], [0, 0, 1]
SOFTMAX = np.exp(LOGITS) / np.exp(LOGITS).sum()
E = np.exp(2)
# Of each figure: the command, the operations from left to right, what the output is, and
# derivatives of the result by names, or what has come to operations, by their place.
FIGURES = {
    "5-1": (["2 * 100 * 1.1"], "**", 220, {}),
    "5-2": (APPLES, "**", 220, {}),
    "5-3": (BOTH, "**+*", 715, {}),
    "5-4": (["(others + apple * apple_count) * tax", "others=4000", *APPLES[1:]], "*+*", 4620, {}),
    "5-5": (APPLES, "**", 220, {"apple": 2.2, 0: 1.1, 1: 1}),
    "5-6": (["exp(x) * E", "x=2", "E=3"], ["exp", "*"], 3 * E, {0: 3, "x": 3 * E}),
    "5-7": (["(x + y) ** 2", "x=1", "y=2"], ["+", "**"], 9, {}),
    "5-8": (["(x + y) ** 2", "x=1", "y=2"], ["+", "**"], 9, {1: 1, 0: 6, "x": 6, "y": 6}),
    "5-9": (["x + y", "x=1", "y=2"], "+", 3, {"x": 1, "y": 1}),
    "5-10": (["(x + y) * L", "x=1", "y=2", "L=3"], "+*", 9, {0: 3, "x": 3, "y": 3}),
    "5-11": (["(x + y) * 1.3", "x=10", "y=5"], "+*", 19.5, {0: 1.3, "x": 1.3, "y": 1.3}),
    "5-12": (["x * y", "x=3", "y=2"], "*", 6, {"x": 2, "y": 3}),
    "5-13": (["(x * y) * 1.3", "x=10", "y=5"], "**", 65, {0: 1.3, "x": 6.5, "y": 13}),
    "5-14": (APPLES, "**", 220, {"apple": 2.2, "apple_count": 110, "tax": 200}),
    "5-15": (BOTH, "**+*", 715, {"apple": 2.2, "apple_count": 110, "orange": 3.3,
                                 "orange_count": 165, "tax": 650}),
    "5-16": (APPLES, "**", 220, {0: 1.1, 1: 1, "apple": 2.2, "apple_count": 110, "tax": 200}),
    "5-17": (BOTH, "**+*", 715, {0: 1.1, 1: 1.1, 2: 1.1, 3: 1, "tax": 650}),
    "5-18": (["relu(x)", "x=3"], ["relu"], 3, {"x": 1}),
    "5-18, not above 0": (["relu(x)", "x=-3"], ["relu"], 0, {"x": 0}),
    "5-19": (["sigmoid(x)", "x=-2", "--expand"], ["*", "exp", "+", "/"], 1 / (1 + E), {}),
    "5-20": (["sigmoid(x)", "x=-2", "--expand"], ["*", "exp", "+", "/"], 1 / (1 + E),
             {2: -1 / (1 + E) ** 2, 1: -1 / (1 + E) ** 2, 0: -E / (1 + E) ** 2,
              "x": E / (1 + E) ** 2}),
    "5-21": (["sigmoid(x)", "x=-2"], ["sigmoid"], 1 / (1 + E), {"x": E / (1 + E) ** 2}),
    "5-22": (["sigmoid(x)", "x=-2"], ["sigmoid"], 1 / (1 + E),
             {"x": 1 / (1 + E) * (1 - 1 / (1 + E))}),
    "5-24": (["dot(x, W) + b", *AFFINE], ["dot", "+", "sum"], 39, {0: [1, 1, 1], 1: [1, 1, 1]}),
    "5-25": (["dot(x, W) + b", *AFFINE], ["dot", "+", "sum"], 39,
             {"x": [9, 12], "W": [[1, 1, 1], [2, 2, 2]], "b": [1, 1, 1]}),
    "5-26": (["dot(x, W)", *AFFINE[:2]], ["dot", "sum"], 33,
             {"x": [9, 12], "W": [[1, 1, 1], [2, 2, 2]]}),
    "A-1": (["softmax_with_loss(a, t)", f"a={LOGITS}", f"t={LABEL}"], ["softmax_with_loss"],
            -np.log(SOFTMAX[2]), {"a": SOFTMAX - LABEL}),
    "A-2": (["softmax(a)", f"a={LOGITS}", "--expand"], ["exp", "sum", "/", "*", "sum"], 1,
            {"a": [0, 0, 0]}),
    "A-3": (["cross_entropy(y, t)", f"y={SOFTMAX.tolist()}", f"t={LABEL}", "--expand"],
            ["log", "*", "sum", "rows", "/", "*"], -np.log(SOFTMAX[2]), {}),
    "A-4": (["cross_entropy(y, t)", f"y={SOFTMAX.tolist()}", f"t={LABEL}", "--expand"],
            ["log", "*", "sum", "rows", "/", "*"], -np.log(SOFTMAX[2]),
            {2: -1, 1: [-1, -1, -1], 0: [0, 0, -1], "y": -np.array(LABEL) / SOFTMAX}),
    "A-5": (["softmax_with_loss(a, t)", f"a={LOGITS}", f"t={LABEL}", "--expand"],
            ["exp", "sum", "/", "*", "log", "*", "sum", "rows", "/", "*"], -np.log(SOFTMAX[2]),
            {"a": SOFTMAX - LABEL, 3: -np.array(LABEL) / SOFTMAX}),
}  # fmt: skip


@pytest.mark.parametrize("figure", FIGURES)
def test_a_figure_of_the_book_is_a_command(figure, bpcli):
    args, operations, output, derivatives = FIGURES[figure]
    found = json.loads(bpcli("graph", *args, "--json").stdout)
    nodes = [node for node in found["nodes"] if "op" in node]
    assert [node["op"] for node in nodes] == list(operations)
    assert found["nodes"][found["output"]]["value"] == pytest.approx(output)
    by = {node["name"]: node["gradient"] for node in found["nodes"] if "name" in node}
    by |= {i: node["gradient"] for i, node in enumerate(nodes)}
    for name, derivative in derivatives.items():
        np.testing.assert_allclose(by[name], derivative, atol=1e-12, err_msg=name)


def test_figure_5_27_has_the_shapes_of_a_batch(bpcli):
    found = json.loads(bpcli("graph", "dot(X, W) + b", *BATCH, "--json").stdout)
    shapes = {
        node.get("name", node.get("op")): [np.shape(node[of]) for of in ("value", "gradient")]
        for node in found["nodes"]
    }
    assert shapes == {
        "X": [(4, 2), (4, 2)], "W": [(2, 3), (2, 3)], "b": [(3,), (3,)], "dot": [(4, 3), (4, 3)],
        "+": [(4, 3), (4, 3)], "sum": [(), ()],
    }  # fmt: skip
    drawn = bpcli("graph", "dot(X, W) + b", *BATCH).stdout
    assert all(shape in drawn for shape in ("(4, 2)", "(2, 3)", "(4, 3)", "(3,)"))


def test_figure_5_28_is_a_network_with_softmax_at_its_end(bpcli, tmp_path):
    (tmp_path / "c.yaml").write_text("network: {hidden: [50, 100]}")
    found = json.loads(bpcli("graph", "--config", tmp_path / "c.yaml", "--json").stdout)
    assert [layer["name"] for layer in found["layers"]] == [
        "Affine1", "ReLU1", "Affine2", "ReLU2", "Affine3", "SoftmaxWithLoss",
    ]  # fmt: skip
    assert found["layers"][-1]["input"] == [10]
