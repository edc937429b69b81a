"""The network as one function: its derivative, its two vectors, its names."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.backprop.architecture import build_network, shapes, statistics_shapes
from bpcli.backprop.layers import (
    Affine,
    BatchNormalization,
    Dropout,
    Layer,
    ReLU,
    SoftmaxWithLoss,
)
from bpcli.backprop.network import Network
from bpcli.errors import ArgumentError, ArrayError


def build(rng, dtype=np.float64, pixels=7, classes=4, **values):
    values = {"hidden": (5,), "weight_init": "xavier"} | values
    return build_network(pixels, classes, rng, dtype=dtype, **values)


def difference_gradient(network, x, t, step=1e-6):
    """The gradient by central differences, with dropout's mask held fixed."""
    state = {
        id(layer): layer.rng.bit_generator.state
        for layer in network.layers
        if hasattr(layer, "rng")
    }

    def loss(parameters):
        network.parameters[...] = parameters
        for layer in network.layers:
            if id(layer) in state:
                layer.rng.bit_generator.state = state[id(layer)]
        return network.forward(x, t)

    start = network.parameters.copy()
    steps = np.eye(len(start)) * step
    numerical = [(loss(start + s) - loss(start - s)) / (2 * step) for s in steps]
    loss(start)
    return np.array(numerical)


@given(
    st.lists(st.integers(1, 6), max_size=3),
    st.sampled_from(["relu", "sigmoid", "tanh"]),
    st.booleans(),
    st.sampled_from([0.0, 0.4]),
    st.sampled_from([0.0, 0.1]),
    st.sampled_from(["softmax", "squared"]),
    st.integers(1, 4),
    st.integers(0, 10**6),
)
def test_backward_is_the_derivative_of_forward(
    hidden, activation, batch_norm, dropout, decay, loss, n, seed
):
    rng = np.random.default_rng(seed)
    network = build(
        rng,
        hidden=tuple(hidden),
        activation=activation,
        batch_norm=batch_norm,
        input_dropout=dropout / 2,
        dropout=dropout,
        weight_decay=decay,
        loss=loss,
    )
    # Random biases keep ReLU's inputs away from the kink at 0.
    for name, array in network.arrays.items():
        if name.startswith("b"):
            array[...] = rng.normal(size=array.shape)
    n += batch_norm  # which takes several images
    x, t = rng.uniform(0, 1, (n, 7)), rng.integers(0, 4, n)
    numerical = difference_gradient(network, x, t)
    network.backward()
    np.testing.assert_allclose(network.gradient, numerical, rtol=1e-5, atol=1e-8)


@given(
    st.lists(st.integers(1, 6), max_size=3),
    st.sampled_from(["relu", "sigmoid", "tanh"]),
    st.sampled_from(["softmax", "squared"]),
    st.integers(1, 4),
    st.integers(0, 10**6),
)
def test_backward_input_is_the_derivative_by_the_input(hidden, activation, loss, n, seed):
    rng = np.random.default_rng(seed)
    network = build(rng, hidden=tuple(hidden), activation=activation, loss=loss)
    for name, array in network.arrays.items():
        if name.startswith("b"):
            array[...] = rng.normal(size=array.shape)
    x, t = rng.uniform(0, 1, (n, 7)), rng.integers(0, 4, n)
    steps = 1e-6 * np.eye(x.size).reshape(-1, *x.shape)
    numerical = [(network.forward(x + s, t) - network.forward(x - s, t)) / 2e-6 for s in steps]
    network.gradient[...] = 7
    network.forward(x, t)
    dx = network.backward_input()
    np.testing.assert_allclose(dx.ravel(), numerical, rtol=1e-5, atol=1e-8)
    assert (network.gradient == 7).all()


def test_the_books_network_has_39760_parameters(rng):
    network = build(rng, np.float32, 784, 10, hidden=(50,))
    assert network.parameters.shape == network.gradient.shape == (39_760,)
    assert network.parameters.dtype == np.float32
    assert {name: array.shape for name, array in network.arrays.items()} == {
        "W1": (784, 50), "b1": (50,), "W2": (50, 10), "b2": (10,),
    }  # fmt: skip
    assert network.names == ["Affine1", "ReLU1", "Affine2"]


def test_arrays_are_views_into_the_two_vectors(rng):
    network = build(rng, hidden=(5, 3))
    network.parameters[...] = np.arange(len(network.parameters))
    network.gradient[...] = -network.parameters
    joined = np.concatenate([array.ravel() for array in network.arrays.values()])
    np.testing.assert_array_equal(joined, network.parameters)
    for layer in network.layers:
        for name, array in layer.params.items():
            assert np.shares_memory(array, network.parameters)
            assert np.shares_memory(layer.grads[name], network.gradient)
            np.testing.assert_array_equal(array, -layer.grads[name])


def test_predict_leaves_dropout_out(rng):
    network = build(rng, dropout=0.5, hidden=(50,))
    assert any(isinstance(layer, Dropout) for layer in network.layers)
    x = rng.uniform(size=(3, 7))
    first = network.predict(x).copy()
    np.testing.assert_array_equal(network.predict(x), first)
    W1, b1, W2, b2 = network.arrays.values()
    np.testing.assert_allclose(first, np.maximum(x @ W1 + b1, 0) @ W2 + b2)


@pytest.mark.parametrize(
    ("init", "deviation"), [(0.01, 0.01), ("xavier", 0.05), ("he", 0.05 * 2**0.5)]
)
def test_initial_weights_have_the_deviation_asked_for(init, deviation, rng):
    network = build(rng, pixels=400, classes=400, hidden=(), weight_init=init)
    assert network.arrays["W1"].std() == pytest.approx(deviation, rel=0.02)
    assert not network.arrays["b1"].any()


def test_float32_and_float64_start_from_the_same_weights():
    single, double = (build(np.random.default_rng(5), dtype) for dtype in (np.float32, np.float64))
    np.testing.assert_array_equal(single.parameters, double.parameters.astype(np.float32))


def test_a_network_says_its_layers(rng):
    assert repr(build(rng, np.float32, 784, 10, hidden=(50,))) == (
        "<Network Affine1 → ReLU1 → Affine2 → SoftmaxWithLoss: 39,760 parameters, float32>"
    )


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("hidden", [(), (5,), (5, 3)])
def test_shapes_are_those_of_the_network(hidden, batch_norm, rng):
    network = build(rng, hidden=hidden, batch_norm=batch_norm)
    found = {name: array.shape for name, array in network.arrays.items()}
    expected = shapes(7, 4, hidden, batch_norm=batch_norm)
    assert list(found.items()) == list(expected.items())
    found |= {name: array.shape for name, array in network.contents.items()}
    assert found == expected | statistics_shapes(expected)


def learn_some(network, rng, n=20):
    """Let a network learn for a moment, so that nothing in it is as it was at first."""
    for _ in range(15):
        learn_once(network, rng.normal(size=(n, 7)), rng.integers(0, 4, n))


def test_batch_normalisation_stands_before_the_activation(rng):
    network = build(rng, np.float32, 784, 10, hidden=(50,), batch_norm=True, dropout=0.1)
    assert network.names == ["Affine1", "BatchNormalization1", "ReLU1", "Dropout1", "Affine2"]
    assert list(network.arrays) == ["W1", "b1", "gamma2", "beta2", "W3", "b3"]
    assert list(network.contents) == [
        "W1", "b1", "gamma2", "beta2", "mean2", "variance2", "W3", "b3",
    ]  # fmt: skip
    assert {array.dtype for array in network.contents.values()} == {np.dtype(np.float32)}
    assert network.parameters.size == 39_760 + 100


def test_weight_decay_leaves_gamma_and_beta_free(rng):
    x, t = rng.normal(size=(9, 7)), rng.integers(0, 4, 9)
    gradients = []
    for decay in (0.0, 0.3):
        network = build(np.random.default_rng(3), batch_norm=True, weight_decay=decay)
        network.forward(x, t)
        network.backward()
        gradients.append({name: g.copy() for name, g in network.gradient_arrays.items()})
    for name, W in network.arrays.items():
        expected = 0.3 * W if name.startswith("W") else 0 * W
        np.testing.assert_allclose(gradients[1][name] - gradients[0][name], expected, atol=1e-12)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda n: pickle.loads(pickle.dumps(n))])
def test_a_copy_of_a_network_has_statistics_of_its_own(copied, rng):
    network = build(rng, batch_norm=True)
    learn_some(network, rng)
    twin, x = copied(network), rng.normal(size=(5, 7))
    before = network.predict(x)
    np.testing.assert_array_equal(twin.predict(x), before)
    learn_some(twin, rng)
    np.testing.assert_array_equal(network.predict(x), before)
    assert (twin.predict(x) != before).any()


@given(
    st.lists(st.integers(1, 6), max_size=3),
    st.sampled_from(["relu", "sigmoid", "tanh"]),
    st.sampled_from([0.0, 0.4]),
    st.sampled_from([np.float32, np.float64]),
    st.integers(0, 10**6),
)
def test_folded_it_predicts_the_same(hidden, activation, dropout, dtype, seed):
    rng = np.random.default_rng(seed)
    network = build(
        rng, dtype, hidden=hidden, activation=activation, dropout=dropout, batch_norm=True
    )
    learn_some(network, rng)
    x = rng.normal(size=(20, 7)).astype(dtype)
    folded, expected = network.folded(), network.predict(x)
    assert {type(layer).__name__ for layer in folded.layers} <= {
        "Affine",
        "ReLU",
        "Sigmoid",
        "Tanh",
    }
    assert {name[:-1] for name in folded.arrays} == {"W", "b"}
    assert folded.parameters.dtype == dtype
    near = (1e-5 if dtype == np.float32 else 1e-12) * np.abs(expected).max()
    np.testing.assert_allclose(folded.predict(x), expected, atol=near)
    folded.parameters[...] = 0
    np.testing.assert_array_equal(network.predict(x), expected)


def test_what_does_not_follow_an_affine_layer_is_not_folded(rng):
    layers = [
        BatchNormalization(rng.normal(size=7), rng.normal(size=7)),
        Affine(rng.normal(size=(7, 4)), rng.normal(size=4)),
        BatchNormalization(rng.normal(size=4), rng.normal(size=4)),
        BatchNormalization(rng.normal(size=4), rng.normal(size=4)),
    ]
    network = Network(layers, SoftmaxWithLoss())
    learn_some(network, rng)
    folded, x = network.folded(), rng.normal(size=(5, 7))
    assert folded.names == ["BatchNormalization1", "Affine1"]
    np.testing.assert_allclose(folded.predict(x), network.predict(x))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
def test_in_another_precision_it_is_a_network_of_its_own(dtype, rng):
    network = build(rng)
    x, t = rng.uniform(size=(3, 7)), rng.integers(0, 4, 3)
    twin = network.astype(dtype)
    assert twin.parameters.dtype == twin.gradient.dtype == dtype
    assert twin.forward(x.astype(dtype), t) == pytest.approx(network.forward(x, t), rel=1e-5)
    twin.parameters[...] = 0
    assert network.parameters.any()


def test_backward_wants_a_forward_just_before(rng):
    network = build(rng)
    x, t = rng.uniform(size=(3, 7)), rng.integers(0, 4, 3)
    for backward in (network.backward, network.backward_input):
        with pytest.raises(ArrayError, match="found no loss to derive, expected a forward just"):
            backward()
    network.forward(x, t)
    network.backward()
    network.backward()  # which is the same again
    network.predict(x)
    with pytest.raises(ArrayError, match="found no loss to derive"):
        network.backward()


def test_a_layer_stands_once():
    layer = Affine(np.eye(3), np.zeros(3))
    with pytest.raises(ArrayError, match="found one that stands twice, expected each once"):
        Network([layer, ReLU(), layer], SoftmaxWithLoss())


def learn_once(network, x, t):
    network.forward(x, t)
    network.backward()
    assert network.gradient.any()
    network.parameters -= 0.1 * network.gradient


@pytest.mark.parametrize("call", ["forward", "backward", "backward_input", "predict"])
def test_a_network_whose_layer_has_gone_to_another_says_so(call, rng):
    """As where a trained model grows: it learnt nothing more, and its gradient was 0."""
    x, t = rng.normal(size=(3, 7)), rng.integers(0, 4, 3)
    first = build(rng)
    learn_once(first, x, t)
    if call.startswith("backward"):
        first.forward(x, t)
    grown = Network([*first.layers[:2], Affine(np.ones((5, 4)), np.zeros(4))], SoftmaxWithLoss())
    arguments = {"forward": (x, t), "predict": (x,)}.get(call, ())
    with pytest.raises(ArrayError, match="Affine1: stands in another network by now"):
        getattr(first, call)(*arguments)
    learn_once(grown, x, t)


def test_a_parameter_that_is_put_in_the_place_of_the_networks_is_told(rng):
    """The optimizer would move one array, and the layer use the other."""
    network = build(rng)
    network.layers[2].params["b"] = np.ones(4)
    with pytest.raises(ArrayError, match=r"Affine2: found another array as params\['b'\]"):
        network.predict(rng.normal(size=(3, 7)))
    network = build(rng)
    network.layers[2].params["b"][...] = np.ones(4)
    learn_once(network, rng.normal(size=(3, 7)), rng.integers(0, 4, 3))
    assert (network.arrays["b2"] != 1).all()


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_a_copy_is_a_network_of_its_own_that_learns(copied, rng):
    x, t = rng.normal(size=(3, 7)), rng.integers(0, 4, 3)
    network = build(rng, weight_decay=0.1, dropout=0.3)
    twin = copied(network)
    np.testing.assert_array_equal(twin.parameters, network.parameters)
    for _ in range(2):  # with the same masks of dropout, from copies of one generator
        learn_once(twin, x, t)
        learn_once(network, x, t)
        np.testing.assert_array_equal(twin.parameters, network.parameters)
    assert not np.shares_memory(twin.parameters, network.parameters)


def test_names_of_parameters_are_each_ones_own():
    odd = Layer(W=np.eye(3), W1=np.eye(3))
    others = [Affine(np.eye(3), np.zeros(3)) for _ in range(10)]
    with pytest.raises(ArrayError, match="found two parameters of one name"):
        Network([odd, *others], SoftmaxWithLoss())


@pytest.mark.parametrize(
    ("W", "b"),
    [
        (np.eye(3), np.zeros((1, 3))),
        (np.eye(3), np.zeros(2)),
        (np.ones(3), np.zeros(3)),
        (np.eye(3, dtype=int), np.zeros(3)),
    ],
)
def test_an_affine_layer_has_a_matrix_and_a_bias_that_fits(W, b):
    with pytest.raises(ArrayError, match=r"expected W \(D, M\) of floating-point numbers and b"):
        Affine(W, b)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"activation": "gelu"}, "activation: found 'gelu', expected one of relu, sigmoid, tanh"),
        ({"loss": "mse"}, "loss: found 'mse', expected one of softmax, squared"),
        ({"weight_init": "glorot"}, "weight_init: found 'glorot', expected one of xavier, he"),
        ({"dropout": 50}, "ratio: found 50, expected a number from 0 and below 1"),
        ({"input_dropout": -0.5}, "ratio: found -0.5, expected a number from 0"),
    ],
)
def test_words_and_numbers_that_describe_no_network_are_refused(values, message, rng):
    with pytest.raises(ArgumentError, match=message):
        build(rng, **values)
