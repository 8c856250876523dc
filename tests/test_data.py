"""vaelib.data: the ladder, and one sentence for everything that can go wrong on it."""

import gzip
import hashlib
import io
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import threading
import warnings

import numpy as np
import pytest

from vaelib import archives, data


def one_sentence(error):
    text = str(error.value)
    assert "\n" not in text and text.endswith(".") and len(text) < 400, text
    return text


@pytest.fixture
def small_mnist(monkeypatch):
    """Arrays in the form of MNIST, but tiny: the checks then run on them in no time."""
    rng = np.random.default_rng(1)
    shapes = {"x_train": (30, 28, 28), "y_train": (30,), "x_test": (20, 28, 28), "y_test": (20,)}
    arrays = {}
    for key, shape in shapes.items():
        top = 255 if key.startswith("x") else 9
        arrays[key] = rng.integers(0, top + 1, shape, dtype=np.uint8)
        arrays[key].flat[0] = top
    change(monkeypatch, counts=(30, 20), arrays_sha256=checksum(arrays))
    return arrays


def change(monkeypatch, name="mnist", **changes):
    """Another size, checksum or address of a data set."""
    monkeypatch.setitem(archives.SOURCES, name, archives.SOURCES[name]._replace(**changes))


def serve(monkeypatch, address, checksum=None):
    """Let Keras fetch MNIST from another address, without a checksum of the archive."""
    change(monkeypatch, cached=(("mnist.npz", address, checksum),))


def checksum(arrays):
    return hashlib.sha256(b"".join(array.tobytes() for array in arrays.values())).hexdigest()


def write(folder, arrays):
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / "mnist.npz", **arrays)
    return folder / "mnist.npz"


# The ladder ---------------------------------------------------------------------------------


def check_dataset(dataset):
    for images, labels in ((dataset.x_train, dataset.y_train), (dataset.x_test, dataset.y_test)):
        assert images.dtype == np.float32 and images.shape[1:] == (28, 28, 1)
        assert images.min() == 0.0 and images.max() == 1.0
        assert labels.dtype == np.int64 and labels.shape == (len(images),)
        assert set(np.unique(labels)) <= set(range(10))


def test_folder_comes_first(small_mnist, tmp_path, monkeypatch, no_network, empty_cache):
    write(tmp_path / "here", small_mnist)
    monkeypatch.setenv("VAELIB_DATA", str(tmp_path / "here"))
    dataset = data.load("mnist")
    check_dataset(dataset)
    assert dataset.name == "mnist" and "VAELIB_DATA" in dataset.source
    assert np.allclose(dataset.x_train[..., 0] * 255, small_mnist["x_train"])
    assert "checksum is right" in data.mnist_location()


def test_cache_comes_second(small_mnist, no_network, empty_cache):
    write(empty_cache / "datasets", small_mnist)
    dataset = data.load("mnist")
    check_dataset(dataset)
    assert dataset.name == "mnist" and "cache" in dataset.source
    assert "cache" in data.mnist_location()


def test_download_comes_third_and_is_kept(small_mnist, tmp_path, monkeypatch, empty_cache):
    archive = write(tmp_path / "far away", small_mnist)
    serve(monkeypatch, archive.as_uri())
    assert "download" in data.mnist_location()
    dataset = data.load("mnist")
    assert dataset.name == "mnist" and "downloaded" in dataset.source
    assert os.listdir(empty_cache / "datasets") == ["mnist.npz"]
    assert "cache" in data.load("mnist").source


def test_a_read_only_cache_is_no_obstacle(small_mnist, tmp_path, monkeypatch, empty_cache):
    archive = write(tmp_path / "far away", small_mnist)
    serve(monkeypatch, archive.as_uri())
    empty_cache.write_text("a file where the folder should be: not even root can write below it")
    assert data.load("mnist").source == "MNIST, downloaded by Keras"


def test_without_network_the_digits_of_sklearn(no_network, empty_cache, capsys):
    dataset = data.load("mnist")
    check_dataset(dataset)
    assert dataset.name == "digits" and len(dataset.x_train) + len(dataset.x_test) == 1797
    line = capsys.readouterr().out
    assert line.count("\n") == 1 and "1,797 digits" in line and "VAELIB_DATA" in line
    assert not any(files for _, _, files in os.walk(empty_cache)), "nothing is left behind"


def test_the_digits_look_like_mnist():
    digits = data.load("digits")
    check_dataset(digits)
    # MNIST leaves a frame of four pixels around a box of 20 x 20.
    frame = np.ones((28, 28), bool)
    frame[4:24, 4:24] = False
    assert digits.x_train[:, frame].max() == 0
    assert len(np.unique(digits.y_train)) == len(np.unique(digits.y_test)) == 10


def test_limits_take_the_first_images(no_network, empty_cache):
    everything, some = data.load("digits"), data.load("digits", n_train=7, n_test=np.int64(3))
    assert len(some.x_train) == len(some.y_train) == 7 and len(some.x_test) == 3
    assert np.array_equal(some.x_train, everything.x_train[:7])
    assert len(data.load("digits", n_train=10**9).x_train) == len(everything.x_train)


@pytest.mark.skipif(not os.environ.get("VAELIB_DATA"), reason="VAELIB_DATA is not set")
def test_real_mnist():
    dataset = data.load("mnist")
    check_dataset(dataset)
    assert (len(dataset.x_train), len(dataset.x_test)) == (60_000, 10_000)
    assert np.isclose(dataset.x_train.mean() * 255, 33.318, atol=1e-2)  # known of MNIST
    assert list(dataset.y_train[:5]) == [5, 0, 4, 1, 9]


# Everything that can go wrong -----------------------------------------------------------------


def test_unknown_name():
    with pytest.raises(data.DataError, match="'minst': load 'mnist', .* or 'shapes'") as error:
        data.load("minst")
    one_sentence(error)


@pytest.mark.parametrize("limit", [0, -3, 2.5, "many"])
def test_limit_that_is_no_number_of_images(limit):
    with pytest.raises(data.DataError, match="n_train must be a positive whole number") as error:
        data.load("digits", n_train=limit)
    one_sentence(error)


def test_missing_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("VAELIB_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(data.DataError, match="no folder of that name.*unset VAELIB_DATA") as error:
        data.load("mnist")
    one_sentence(error)
    assert "no folder of that name" in data.mnist_location()


def test_folder_without_the_file(tmp_path, monkeypatch):
    monkeypatch.setenv("VAELIB_DATA", str(tmp_path))
    with pytest.raises(data.DataError, match="no mnist.npz") as error:
        data.load("mnist")
    one_sentence(error)


def test_file_instead_of_folder(small_mnist, tmp_path, monkeypatch):
    monkeypatch.setenv("VAELIB_DATA", str(write(tmp_path, small_mnist)))
    with pytest.raises(data.DataError, match="names a file: set it to the folder") as error:
        data.load("mnist")
    one_sentence(error)


@pytest.mark.parametrize("folder", ["~nobody-of-that-name/data", "x" * 5_000])
def test_odd_folder_names(folder, monkeypatch):
    monkeypatch.setenv("VAELIB_DATA", folder)
    with pytest.raises(data.DataError, match="no folder of that name") as error:
        data.load("mnist")
    one_sentence(error)


def test_a_file_that_is_a_folder(tmp_path, monkeypatch):
    (tmp_path / "mnist.npz").mkdir()
    monkeypatch.setenv("VAELIB_DATA", str(tmp_path))
    with pytest.raises(data.DataError, match="no mnist.npz that may be read"):
        data.load("mnist")


def test_a_download_that_cannot_be_kept_is_used(small_mnist, tmp_path, monkeypatch, empty_cache):
    archive = write(tmp_path / "far away", small_mnist)
    serve(monkeypatch, archive.as_uri())
    (empty_cache / "datasets" / "mnist.npz").mkdir(parents=True)
    assert data.load("mnist").source == "MNIST, downloaded by Keras"


def damage_not_a_zip(path, arrays):
    path.write_bytes(b"<html>404</html>")


def damage_empty(path, arrays):
    path.write_bytes(b"")


def damage_truncated(path, arrays):
    path.write_bytes(path.read_bytes()[:-2000])


def damage_flipped_bytes(path, arrays):
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 50] = bytes(50)
    path.write_bytes(bytes(content))


def damage_pickled(path, arrays):
    np.savez(path, **{**arrays, "x_train": np.array([{"a": 1}], dtype=object)})


def damage_missing_array(path, arrays):
    np.savez(path, **{key: array for key, array in arrays.items() if key != "y_test"})


def damage_flattened(path, arrays):
    np.savez(path, **{**arrays, "x_train": arrays["x_train"].reshape(30, 784)})


def damage_scaled(path, arrays):
    np.savez(path, **{**arrays, "x_train": arrays["x_train"] / 255.0})


def damage_binary(path, arrays):
    np.savez(path, **{**arrays, "x_test": arrays["x_test"] // 128})


def damage_labels(path, arrays):
    np.savez(path, **{**arrays, "y_train": arrays["y_train"] + 100})


def damage_other_pixels(path, arrays):
    np.savez(path, **{**arrays, "x_train": arrays["x_train"][::-1]})


DAMAGE = {
    damage_not_a_zip: "damaged or incomplete",
    damage_empty: "damaged or incomplete",
    damage_truncated: "damaged or incomplete",
    damage_flipped_bytes: "damaged or incomplete",
    damage_pickled: "damaged or incomplete",
    damage_missing_array: "lacks the array y_test: replace",
    damage_flattened: r"x_train .* has shape \(30, 784\) instead of \(30, 28, 28\)",
    damage_scaled: "x_train .* is float64 instead of uint8",
    damage_binary: "x_test .* reaches up to 1 instead of 255",
    damage_labels: "y_train .* reaches up to 109 instead of 9",
    damage_other_pixels: "checksum differs",
}


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)
def test_damaged_file_in_the_folder(damage, small_mnist, tmp_path, monkeypatch):
    path = write(tmp_path, small_mnist)
    damage(path, small_mnist)
    before = path.read_bytes()
    monkeypatch.setenv("VAELIB_DATA", str(tmp_path))
    with pytest.raises(data.DataError, match=DAMAGE[damage]) as error:
        data.load("mnist")
    assert "replace the file" in one_sentence(error)
    assert path.read_bytes() == before, "nothing of the reader's is changed"
    assert "nowhere yet" in data.mnist_location()


def test_damaged_cache_is_fetched_again(small_mnist, tmp_path, monkeypatch, empty_cache, capsys):
    archive = write(tmp_path / "far away", small_mnist)
    serve(monkeypatch, archive.as_uri())
    cached = write(empty_cache / "datasets", small_mnist)
    damage_truncated(cached, small_mnist)
    assert data.load("mnist").source == "MNIST, downloaded by Keras"
    assert "not used" in capsys.readouterr().out
    assert "cache" in data.load("mnist").source, "the damaged file was replaced"


def test_damaged_cache_without_network(small_mnist, no_network, empty_cache, capsys):
    cached = write(empty_cache / "datasets", small_mnist)
    damage_truncated(cached, small_mnist)
    assert data.load("mnist").name == "digits"
    assert cached.exists(), "the reader's file stays"


def test_download_with_wrong_content(tmp_path, monkeypatch, empty_cache, capsys):
    page = tmp_path / "mnist.npz"
    page.write_text("<html>please log in</html>")
    serve(monkeypatch, page.as_uri(), archives.SOURCES["mnist"].cached[0][2])
    assert data.load("mnist").name == "digits"
    assert os.listdir(empty_cache / "datasets") == [], "no half-written file"
    assert capsys.readouterr().out.count("\n") == 1


def test_a_silent_server_does_not_hang_us(monkeypatch, empty_cache, capsys):
    """A server that accepts the call and never answers: without a timeout, no end of this test."""
    monkeypatch.setattr(archives, "SOCKET_TIMEOUT", 1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        accepted = []
        threading.Thread(target=lambda: accepted.append(server.accept()), daemon=True).start()
        serve(monkeypatch, f"http://127.0.0.1:{server.getsockname()[1]}/mnist.npz")
        for variable in ("http_proxy", "HTTP_PROXY"):
            monkeypatch.delenv(variable, raising=False)
        assert data.load("mnist").name == "digits"
        assert accepted, "the server was called"
    assert socket.getdefaulttimeout() is None, "our timeout does not leak"
    assert os.listdir(empty_cache / "datasets") == []


def test_an_interrupted_download_leaves_nothing(monkeypatch, empty_cache):
    def half_then_interrupt(url, target, hook):
        with open(target, "wb") as file:
            file.write(b"half of it")
        raise KeyboardInterrupt

    monkeypatch.setattr("keras.src.utils.file_utils.urlretrieve", half_then_interrupt)
    with pytest.raises(KeyboardInterrupt):
        data.load("mnist")
    assert os.listdir(empty_cache / "datasets") == []


def test_loading_does_not_import_keras():
    """Reading a file takes a second; importing TensorFlow takes seven."""
    code = "import sys; from vaelib import data; data.load('digits'); print('keras' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == "False", result.stderr


# Fashion-MNIST and CIFAR-10 -------------------------------------------------------------------

OTHERS = {"fashion_mnist": "Fashion-MNIST", "cifar10": "CIFAR-10"}
each_other = pytest.mark.parametrize("name", OTHERS)


def small_arrays(name):
    """Arrays in the form of a data set, as many of each class, and with both ends of the range."""
    rng = np.random.default_rng(2)
    image, arrays = archives.SOURCES[name].image, {}
    for part, n in (("train", 50), ("test", 20)):
        arrays[f"x_{part}"] = rng.integers(0, 256, (n, *image), dtype=np.uint8)
        arrays[f"x_{part}"][0].flat[:6] = [0, 0, 0, 255, 255, 255]
        arrays[f"y_{part}"] = rng.permutation(np.arange(n, dtype=np.uint8) % 10)
    return arrays


def py2_pickle(images, labels):
    """A batch of CIFAR-10 as cPickle of Python 2 wrote it in 2009, byte by byte."""

    def text(b):
        return b"U" + bytes([len(b)]) + b

    dtype = b"cnumpy\ndtype\n" + text(b"u1") + b"K\0K\1\x87R(K\3" + text(b"|")
    dtype += b"NNN" + 2 * b"J\xff\xff\xff\xff" + b"K\0tb"
    start = (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85" + text(b"b") + b"\x87R"
    )
    raw = images.tobytes()
    state = b"(K\1" + b"M" + len(images).to_bytes(2, "little") + b"M\0\x0c\x86" + dtype + b"I00\n"
    state += b"T" + len(raw).to_bytes(4, "little") + raw + b"tb"
    row = b"](" + b"".join(b"K" + bytes([label]) for label in labels) + b"e"
    return b"\x80\2}(" + text(b"data") + start + state + text(b"labels") + row + b"u."


def original_files(name, arrays):
    """The contents of the files that Keras fetches, in the order of the table."""
    if name == "fashion_mnist":
        for array in arrays.values():
            shape = b"".join(n.to_bytes(4, "big") for n in array.shape)
            yield gzip.compress(bytes([0, 0, 8, array.ndim]) + shape + array.tobytes())
        return
    batches = {"test_batch": slice(0, 20)}
    batches |= {f"data_batch_{n}": slice(10 * n - 10, 10 * n) for n in (4, 1, 2, 5, 3)}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for batch, part in {"batches.meta": None, **batches}.items():
            content = b"no pickle"
            if part:
                kind = "test" if batch == "test_batch" else "train"
                images = arrays[f"x_{kind}"][part].transpose(0, 3, 1, 2)
                content = py2_pickle(images, arrays[f"y_{kind}"][part])
            member = tarfile.TarInfo(f"cifar-10-batches-py/{batch}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    yield packed.getvalue()


@pytest.fixture
def small(name, monkeypatch, tmp_path):
    """A small data set, and a server (a folder) with its files: Keras fetches them from there."""
    arrays = small_arrays(name)
    (tmp_path / "server").mkdir()
    cached = []
    for (path, _, checksum), content in zip(
        archives.SOURCES[name].cached, original_files(name, arrays), strict=True
    ):
        file = tmp_path / "server" / path.split("/")[-1]
        file.write_bytes(content)
        digest = hashlib.new("md5" if len(checksum) == 32 else "sha256", content).hexdigest()
        cached.append((path, file.as_uri(), digest))
    channels = arrays["x_train"].shape[3] if name == "cifar10" else 1
    means = tuple(arrays["x_train"].reshape(-1, channels).mean(axis=0) / 255)
    change(monkeypatch, name, counts=(50, 20), cached=tuple(cached), means=means)
    return arrays


def check_small(dataset, name, arrays):
    assert dataset.name == name and dataset.source.startswith(OTHERS[name])
    for part in ("train", "test"):
        images, labels = getattr(dataset, f"x_{part}"), getattr(dataset, f"y_{part}")
        raw = arrays[f"x_{part}"]
        assert images.dtype == np.float32 and images.shape[:3] == raw.shape[:3]
        assert np.allclose(images * 255, raw.reshape(images.shape), atol=1e-4)
        assert labels.dtype == np.int64 and np.array_equal(labels, arrays[f"y_{part}"].ravel())


def test_the_table_of_data_sets():
    """What is published: checked here against Keras' own loaders, where they name it."""
    import inspect

    import keras

    for name, source in archives.SOURCES.items():
        loader = inspect.getsource(getattr(keras.datasets, name).load_data)
        for path, address, checksum in source.cached:
            assert path.split("/")[-1].removesuffix("_archive") in loader
            assert address.rsplit("/", 1)[0] in loader
            assert checksum in loader or name == "fashion_mnist"
    assert archives.SOURCES["cifar10"].shapes["x_train"] == (50_000, 32, 32, 3)


@each_other
def test_others_from_the_folder(name, small, tmp_path, monkeypatch, no_network, empty_cache):
    if name == "cifar10":
        small |= {key: small[key][:, None] for key in ("y_train", "y_test")}  # as Keras has them
    np.savez(tmp_path / f"{name}.npz", **small)
    monkeypatch.setenv("VAELIB_DATA", str(tmp_path))
    dataset = data.load(name)
    check_small(dataset, name, small)
    assert "VAELIB_DATA" in dataset.source
    some = data.load(name, n_train=7, n_test=3)
    assert some.x_train.shape == (7, *dataset.x_train.shape[1:]) and len(some.y_test) == 3
    assert np.array_equal(some.x_train, dataset.x_train[:7])


@each_other
def test_others_are_downloaded_and_kept(name, small, empty_cache, capsys):
    dataset = data.load(name)
    check_small(dataset, name, small)
    assert dataset.source.endswith("downloaded by Keras")
    kept = [path for path in (empty_cache / "datasets").rglob("*") if path.is_file()]
    names = [path for path, _, _ in archives.SOURCES[name].cached]
    assert sorted(str(p.relative_to(empty_cache / "datasets")) for p in kept) == sorted(names)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        again = data.load(name)
    check_small(again, name, small)
    assert again.source.endswith("from Keras' cache")
    assert capsys.readouterr() == ("", ""), "no progress bar"
    assert not caught, "NumPy does not complain of the old pickles"


def test_keras_takes_what_we_left_in_its_cache(empty_cache, monkeypatch, tmp_path, no_network):
    """One cache for both: Fashion-MNIST's own loader finds our files."""
    folder = empty_cache / "datasets"
    arrays = small_arrays("fashion_mnist")
    contents = original_files("fashion_mnist", arrays)
    for (path, _, _), content in zip(archives.SOURCES["fashion_mnist"].cached, contents):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    code = "import keras; (x, _), (_, y) = keras.datasets.fashion_mnist.load_data(); "
    code += "print(x.shape, y.tolist())"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == f"(50, 28, 28) {arrays['y_test'].tolist()}", result.stderr


@each_other
def test_others_with_a_damaged_cache(name, small, empty_cache, capsys, monkeypatch):
    data.load(name)
    path = empty_cache / "datasets" / archives.SOURCES[name].cached[-1][0]
    path.write_bytes(path.read_bytes()[:-20])
    assert data.load(name).source.endswith("downloaded by Keras")
    line = capsys.readouterr().out
    assert f"Keras' cached {OTHERS[name]} is not used" in line and "checksum" in line
    assert data.load(name).source.endswith("from Keras' cache"), "the damaged file was replaced"


@each_other
def test_nothing_is_unpickled_before_its_checksum_is_right(name, small, empty_cache, monkeypatch):
    data.load(name)
    path = empty_cache / "datasets" / archives.SOURCES[name].cached[0][0]
    path.write_bytes(path.read_bytes() + b"\0")
    monkeypatch.setattr(archives.pickle, "load", lambda *a, **k: pytest.fail("unpickled"))
    monkeypatch.setattr(archives, "_download", lambda source: {}["no network"])
    assert data.load(name).name == archives.SOURCES[name].fallback


@each_other
def test_others_without_network(name, no_network, empty_cache, capsys):
    dataset = data.load(name, n_train=300, n_test=50)
    assert len(dataset.x_train) == len(dataset.y_train) == 300 and len(dataset.x_test) == 50
    line = capsys.readouterr().out
    assert line.count("\n") == 1 and line.startswith(f"{OTHERS[name]} cannot be downloaded")
    assert f"set VAELIB_DATA to a folder with {name}.npz" in line
    assert not any(files for _, _, files in os.walk(empty_cache)), "nothing is left behind"
    if name == "fashion_mnist":
        assert dataset.name == "digits" and "1,797 digits" in line
        check_dataset(dataset)
    else:
        assert dataset.name == "shapes" and "6,000 coloured shapes" in line
        assert dataset.x_train.shape[1:] == (32, 32, 3) and set(dataset.y_train) == {0, 1, 2}


def test_the_shapes_of_the_course(no_network, empty_cache):
    dataset = data.load("shapes")
    assert dataset.name == "shapes" and "the course draws itself" in dataset.source
    assert (len(dataset.x_train), len(dataset.x_test)) == (5_000, 1_000)
    assert dataset.x_train.dtype == np.float32 and dataset.y_test.dtype == np.int64
    data.check_images(dataset.x_train)
    assert not np.array_equal(dataset.x_train[:1_000], dataset.x_test), "other pictures"


OTHER_DAMAGE = {
    "not_an_npz": (None, "damaged or incomplete"),
    "missing": (lambda a: {k: v for k, v in a.items() if k != "y_test"}, "lacks the array y_test"),
    "shape": (lambda a: a | {"x_test": a["x_test"][:, 1:]}, r"x_test in .* has shape \(20, 2?3?"),
    "dtype": (lambda a: a | {"x_train": a["x_train"] / 255}, "x_train in .* is float64 instead"),
    "range": (lambda a: a | {"x_test": a["x_test"] // 128}, "x_test in .* up to 1 instead of 255"),
    "labels": (lambda a: a | {"y_train": a["y_train"] + 1}, "y_train in .* up to 10 instead of 9"),
    "counts": (lambda a: a | {"y_train": a["y_train"] // 9 * 9}, "y_train .* not 5 images of each"),
    "one_less": (lambda a: a | {"y_test": np.r_[a["y_test"][:1], a["y_test"][:-1]]}, None),
    "pixels": (lambda a: a | {"x_train": 255 - a["x_train"] // 2 * 2}, r"\(their means differ\)"),
}


@each_other
@pytest.mark.parametrize("damage", OTHER_DAMAGE)
def test_others_damaged_in_the_folder(damage, name, small, tmp_path, monkeypatch, no_network):
    change_arrays, message = OTHER_DAMAGE[damage]
    path = tmp_path / f"{name}.npz"
    if change_arrays:
        np.savez(path, **change_arrays(small))
    else:
        path.write_bytes(b"<html>")
    monkeypatch.setenv("VAELIB_DATA", str(tmp_path))
    with pytest.raises(data.DataError, match=message or "not 2 images of each class") as error:
        data.load(name)
    assert f"what keras.datasets.{name} loads" in one_sentence(error)


@each_other
def test_others_missing_in_the_folder(name, tmp_path, monkeypatch, no_network):
    monkeypatch.setenv("VAELIB_DATA", str(tmp_path))
    with pytest.raises(
        data.DataError, match=f"no {name}.npz that .* fetch {OTHERS[name]}"
    ) as error:
        data.load(name)
    one_sentence(error)


# check_images ---------------------------------------------------------------------------------

GOOD = np.linspace(0, 1, 2 * 4 * 4 * 3).reshape(2, 4, 4, 3)


def test_good_images_pass():
    data.check_images(GOOD)
    data.check_images(GOOD[..., :1].astype("float32"))
    data.check_images(GOOD > 0.5)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (GOOD * 255, "from 0 to 255, .*divide them by 255"),
        (GOOD * 2 - 1, "from -1 to 1, .*rescale them"),
        (np.where(GOOD > 0.9, np.nan, GOOD), "NaN or infinite"),
        (np.where(GOOD > 0.9, np.inf, GOOD), "NaN or infinite"),
        (np.arange(10), "like a list of labels"),
        (GOOD[0], "bring them to"),
        (GOOD.reshape(2, -1), "bring them to"),
        (GOOD[:0], "empty"),
        (np.array(["a"]), "array of numbers"),
        (np.array([[1], [1, 2]], dtype=object), "array of numbers"),
        ([[1.0], [1.0, 2.0]], "no array of numbers"),
        (GOOD * 1j, "array of numbers"),
        (GOOD * 16, "from 0 to 16, .*rescale them"),
    ],
    ids="raw signed nan inf labels single flat empty words objects ragged complex sixteen".split(),
)
def test_bad_images_are_refused(images, message):
    with pytest.raises(data.DataError, match=message) as error:
        data.check_images(images, "test images")
    assert one_sentence(error).startswith("The test images")


def test_shutil_is_not_asked_to_remove_the_cache(empty_cache, no_network, monkeypatch):
    """Only our own scratch folder may be removed."""
    removed = []
    remove = shutil.rmtree
    monkeypatch.setattr(
        archives.shutil, "rmtree", lambda path, **kw: (removed.append(path), remove(path, **kw))
    )
    (empty_cache / "datasets").mkdir(parents=True)
    (empty_cache / "datasets" / "other.npz").write_bytes(b"mine")
    data.load("mnist")
    assert (empty_cache / "datasets" / "other.npz").read_bytes() == b"mine"
    assert len(removed) == 1 and str(removed[0]) != str(empty_cache / "datasets")


# Binary pixels ----------------------------------------------------------------------------------


def test_binarize_draws_each_pixel_with_its_grey_value():
    grey = np.full((200, 10, 10, 1), 0.3, "float32")
    grey[:, 0], grey[:, 1] = 0.0, 1.0
    drawn = data.binarize(grey, seed=4)
    assert drawn.dtype == np.float32 and drawn.shape == grey.shape
    assert set(np.unique(drawn)) == {0.0, 1.0}
    assert not drawn[:, 0].any() and drawn[:, 1].all(), "black and white stay what they are"
    assert abs(drawn[:, 2:].mean() - 0.3) < 0.02
    # Pixels are drawn independently: neighbours do not know of each other.
    left, right = drawn[:, 2:, :-1].ravel(), drawn[:, 2:, 1:].ravel()
    assert abs(np.corrcoef(left, right)[0, 1]) < 0.03


def test_binarize_is_static_for_a_seed_and_for_the_first_images():
    images = data.load("digits", n_train=30).x_train
    whole = data.binarize(images, seed=0)
    assert np.array_equal(whole, data.binarize(images, seed=0))
    assert np.array_equal(whole[:10], data.binarize(images[:10], seed=0))
    assert not np.array_equal(whole, data.binarize(images, seed=1))
    assert not np.array_equal(whole, data.binarize(images, seed=[0, 1]))
    # The same on every machine: these are NumPy's numbers.
    assert int(data.binarize(np.full((1, 28, 28, 1), 0.5), seed=0).sum()) == 367


@pytest.mark.parametrize("images", [np.zeros(3), np.full((1, 2, 2, 1), 255.0), "digits"])
def test_binarize_refuses_what_is_no_batch_of_images(images):
    with pytest.raises(data.DataError) as error:
        data.binarize(images)
    one_sentence(error)
