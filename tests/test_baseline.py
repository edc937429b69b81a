"""The benchmark tells what has become slower from what is noise."""

import json

import baseline


def test_what_is_slower_than_its_noise_is_told(tmp_path):
    file = tmp_path / "bench.json"
    first = {"a": [1.0, 1.1, 1.2, 1.1], "b": [2.0, 2.0, 2.1, 2.0]}
    assert "kept in bench.json" in baseline.keep("m", first, renew=False, file=file)
    noisy = {"a": [1.0, 1.3, 1.1, 1.2], "b": [2.0, 2.0, 2.0, 2.2], "c": [1.0] * 4}
    assert "nothing is slower" in baseline.keep("m", noisy, renew=False, file=file)
    slower = {"a": first["a"], "b": [2.3, 2.2, 2.2, 2.3]}
    said = baseline.keep("m", slower, renew=False, file=file).splitlines()
    assert said[1:] == ["b: 2.25 times the products, before 2.00"]
    assert json.loads(file.read_text())["m"] == noisy | first  # a slow run is not what is kept
    assert "kept in" in baseline.keep("other", slower, renew=False, file=file)
    assert "kept in" in baseline.keep("m", slower, renew=True, file=file)
    assert "nothing is slower" in baseline.keep("m", slower, renew=False, file=file)


def test_a_machine_is_known_by_its_kernel():
    assert "BLAS kernel" in baseline.this_machine()
