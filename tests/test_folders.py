"""vaelib.folders: a reader's own images, streamed; and one sentence for all that can be wrong."""

import os
import re
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from vaelib import data, folders, networks, placements

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def one_sentence(error):
    text = str(error.value)
    assert "\n" not in text and text.endswith(".") and len(text) < 500, text
    return text


def picture(mode="RGB", size=(36, 44), color=RED):
    return Image.new("RGB", size, color).convert(mode)


def fill(folder, count, ending="jpg", mode="RGB", start=0):
    """Images that tell their number: the first is black, the last is white."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(start, start + count):
        gray = 255 * number // max(1, start + count - 1)
        picture(mode, color=(gray,) * 3).save(folder / f"{number:06}.{ending}")
    return folder


def array_of(stream):
    return np.concatenate([batch.numpy() for batch in stream])


def numbers_of(stream, count):
    """The numbers of the images that ``fill`` made, in the order of the stream."""
    return np.rint(array_of(stream)[:, 0, 0, 0] * (count - 1)).astype(int)


# What comes back ------------------------------------------------------------------------------


def test_pictures_are_cropped_scaled_and_keep_their_colors(tmp_path):
    """Left half red, right half blue; green edges above and below, which the crop takes away."""
    image = np.zeros((120, 60, 3), np.uint8)
    image[:] = GREEN
    image[30:90, :30], image[30:90, 30:] = RED, BLUE
    Image.fromarray(image).save(tmp_path / "high.png")
    Image.fromarray(image.swapaxes(0, 1)).save(tmp_path / "wide.png")
    files = folders.find(tmp_path, at_least=1)
    assert files.channels == 3 and files.skipped == []
    (batch,) = folders.stream(files, size=16, batch_size=2, seed=None)
    assert batch.dtype == tf.float32 and batch.shape == (2, 16, 16, 3)
    data.check_images(batch.numpy(), shape=(16, 16, 3))
    high, wide = batch.numpy()
    # Scaling looks a pixel beyond the crop, and across the border between the halves.
    assert np.allclose(high[1:-1, :6], (1, 0, 0), atol=0.01)
    assert np.allclose(high[1:-1, 10:], (0, 0, 1), atol=0.01)
    assert np.allclose(wide, high.swapaxes(0, 1), atol=0.01)


def test_jpeg_and_gray_images(tmp_path):
    files = folders.find(fill(tmp_path, 5, mode="L"), at_least=5)
    assert files.channels == 1
    images = array_of(folders.stream(files, size=8, batch_size=2, seed=None))
    assert images.shape == (5, 8, 8, 1)
    assert np.allclose(images.mean(axis=(1, 2, 3)), np.linspace(0, 1, 5), atol=0.01)


def test_large_jpegs_come_out_as_if_decoded_in_full(tmp_path):
    """Pillow decodes them at a fraction of their size: nobody should see that."""
    smooth = np.random.default_rng(1).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    image = Image.fromarray(smooth).resize((800, 600))
    image.save(tmp_path / "photo.jpg", quality=95)
    image.crop((100, 0, 700, 600)).save(tmp_path / "square.png")
    photo, square = array_of(
        folders.stream(folders.find(tmp_path, at_least=1), size=32, batch_size=2, seed=None)
    )
    assert np.abs(photo - square).max() < 0.03


@pytest.mark.parametrize("channels", [1, 3])
def test_every_kind_of_image_is_brought_to_the_channels(channels, tmp_path):
    """All show the same middle grey, as far as their mode can."""
    gray = picture(color=(128, 128, 128))
    for mode in ("L", "RGB", "P", "CMYK"):
        gray.convert(mode).save(tmp_path / f"{mode}.{'tif' if mode == 'CMYK' else 'png'}")
    gray.save(tmp_path / "x.webp", lossless=True)
    gray.save(tmp_path / "x.bmp")
    gray.save(tmp_path / "x.gif")
    Image.fromarray(np.full((44, 36), 128 * 257, np.uint16)).save(tmp_path / "sixteen.png")
    for mode in ("LA", "RGBA"):
        half = picture(color=(0, 0, 0)).convert(mode)
        half.putalpha(127)  # black that lets half of the white ground through
        half.save(tmp_path / f"{mode}.png")
    files = folders.find(tmp_path, channels=channels, at_least=10)
    images = array_of(folders.stream(files, size=8, batch_size=10))
    assert images.shape == (10, 8, 8, channels)
    assert np.allclose(images, 0.5, atol=0.02)


def test_a_photograph_is_turned_as_its_note_says(tmp_path):
    image = np.zeros((40, 40, 3), np.uint8)
    image[:20] = RED
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    Image.fromarray(image).save(tmp_path / "a.jpg", exif=exif)
    ((turned,),) = folders.stream(folders.find(tmp_path, at_least=1), size=8, batch_size=1)
    assert turned[7, 4, 0] > 0.9 and turned[0, 4, 0] < 0.1


def test_celeba_as_it_is_unpacked(tmp_path):
    pictures = fill(tmp_path / "img_align_celeba" / "img_align_celeba", 6, start=1)
    (tmp_path / "list_attr_celeba.csv").write_text("image_id,Smiling\n000001.jpg,1\n")
    (tmp_path / "list_bbox_celeba.txt").write_text("6\n")
    (tmp_path / "img_align_celeba.zip").write_bytes(b"PK")
    (pictures / ".DS_Store").write_bytes(b"\0")
    (pictures / "._000001.jpg").write_bytes(b"\0\5\26\7")
    (tmp_path / ".trash").mkdir()
    picture().save(tmp_path / ".trash" / "old.jpg")
    fill(tmp_path / "Grüße vom Meer" / "a b", 1, ending="JPG")
    files = folders.find(tmp_path, at_least=7)
    assert [os.path.relpath(path, tmp_path) for path in files.paths] == [
        "Grüße vom Meer/a b/000000.JPG",
        *(f"img_align_celeba/img_align_celeba/{n:06}.jpg" for n in range(1, 7)),
    ]
    assert len(array_of(folders.stream(tmp_path, size=8, batch_size=4))) == 7


def test_a_name_that_is_no_unicode(tmp_path):
    picture().save(tmp_path / "a.png")
    os.rename(tmp_path / "a.png", os.fsencode(tmp_path) + b"/\xff.png")
    assert len(array_of(folders.stream(tmp_path, size=8, batch_size=1))) == 1


# The order ------------------------------------------------------------------------------------


def test_each_epoch_sees_every_file_once_in_another_order(tmp_path):
    files = folders.find(fill(tmp_path, 40), at_least=40)
    options = {"size": 4, "batch_size": 8}
    stream = folders.stream(files, **options)
    assert int(stream.cardinality()) == 5, "so that Keras knows how long an epoch is"
    first, second = numbers_of(stream, 40), numbers_of(stream, 40)
    assert sorted(first) == sorted(second) == list(range(40))
    # Of 40, each moves 13 places on the average, if all are shuffled and not only neighbours.
    assert np.abs(first - np.arange(40)).mean() > 8 and (first != second).sum() > 20
    again = folders.stream(files, **options)
    assert np.array_equal(numbers_of(again, 40), first), "a seed makes it repeatable"
    assert np.array_equal(numbers_of(again, 40), second)
    assert not np.array_equal(numbers_of(folders.stream(files, seed=1, **options), 40), first)
    in_order = folders.stream(files, seed=None, **options)
    assert all(np.array_equal(numbers_of(in_order, 40), np.arange(40)) for _ in range(2))


def test_some_are_held_out(tmp_path):
    files = folders.find(fill(tmp_path, 40), at_least=40)
    train, held = folders.split(files, share=0.25)
    assert (len(train.paths), len(held.paths)) == (30, 10)
    assert sorted(train.paths + held.paths) == files.paths and held.paths == sorted(held.paths)
    assert folders.split(files, share=0.25) == (train, held) != folders.split(files, 0.25, seed=1)
    assert len(array_of(folders.stream(held, size=4, batch_size=10))) == 10
    for share in (0, 1, 0.001, -1, 2):
        with pytest.raises(data.DataError, match="leaves one side empty") as error:
            folders.split(files, share=share)
        one_sentence(error)


def test_a_placement_learns_the_same_from_the_stream_and_from_the_array(tmp_path):
    rng = np.random.default_rng(1)
    for number in range(40):
        noise = rng.integers(0, 256, (5, 4, 3), dtype=np.uint8)
        Image.fromarray(noise).resize((36, 44)).save(tmp_path / f"{number}.jpg")
    stream = folders.stream(folders.find(tmp_path, at_least=40), size=16, batch_size=8, seed=None)
    spec = networks.NetworkSpec(
        input_shape=(16, 16, 3), filters=(4, 8), strides=(2, 2),
        decoder_filters=(4, 3), decoder_strides=(2, 2),
    )  # fmt: skip
    losses, size = {}, {"stream": None, "array": 8}
    for name, images in (("stream", stream), ("array", array_of(stream))):
        keras.utils.set_random_seed(1)
        vae = placements.build(
            "compute_loss", networks.build_encoder(spec), networks.build_decoder(spec),
            seed=1, jit_compile=False,
        )  # fmt: skip
        # Left at True, Keras warns that it cannot shuffle a data set.
        history = vae.fit(images, batch_size=size[name], shuffle=False, epochs=2, verbose=0)
        losses[name] = history.history["loss"]
    assert np.isfinite(losses["stream"]).all() and losses["stream"][1] < losses["stream"][0]
    assert np.allclose(losses["stream"], losses["array"], rtol=1e-5)


def test_a_stream_reads_only_a_little_ahead(tmp_path, monkeypatch):
    """Its memory cannot grow with the folder: `make bench` measures how much that is."""
    count, done, read = 1_000, [], folders._read
    monkeypatch.setattr(folders, "_read", lambda *a: (done.append(a[0]), read(*a))[1])
    stream = folders.stream(folders.find(fill(tmp_path, count)), size=8, batch_size=8)
    batches = iter(stream)
    next(batches)
    time.sleep(1)  # would it go on, if nobody took a batch?
    # Four batches: one out, two ready, one being made; and a picture or so for each core.
    assert 8 <= len(done) <= 4 * 8 + 4 * os.cpu_count() + 8
    assert sum(len(batch) for batch in batches) == count - 8 and len(done) == count


# Everything that can go wrong -----------------------------------------------------------------


def refused(message, *arguments, call=folders.find, **options):
    with pytest.raises(data.DataError, match=message) as error:
        call(*arguments, **options)
    return one_sentence(error)


def test_no_such_folder(tmp_path):
    refused("nowhere does not exist: pass the path of a folder", tmp_path / "nowhere")
    refused("does not exist", "~nobody-of-that-name/pictures")
    refused("is a file: pass the path of a folder", fill(tmp_path, 1) / "000000.jpg")


def test_no_images(tmp_path):
    (tmp_path / "notes.txt").write_text("no image")
    text = refused("no images in .*: pass the folder that holds them", tmp_path)
    assert all(ending in text for ending in (".jpg", ".png", ".webp"))
    (tmp_path / "archive.zip").write_bytes(b"PK")
    refused("unpack archive.zip first", tmp_path)


def test_too_few_images(tmp_path):
    fill(tmp_path, 5)
    refused("only 5 images that can be read, fewer than 64", tmp_path)
    files = folders.find(tmp_path, at_least=5)
    text = "5 images are less than one batch of 64: pass a batch_size"
    refused(text, files, call=folders.stream)
    refused(text, tmp_path, call=folders.stream)


def cut(path, share=0.6):
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])


def damage_empty(folder):
    (folder / "000001.jpg").write_bytes(b"")


def damage_page(folder):
    (folder / "000001.jpg").write_text("<html>404</html>")


def damage_cut(folder):
    cut(folder / "000001.jpg")


def damage_png(folder):
    (folder / "000001.jpg").unlink()
    Image.effect_noise((40, 40), 50).convert("RGB").save(folder / "000001.png")
    cut(folder / "000001.png")


def damage_webp(folder):
    (folder / "000001.jpg").unlink()
    Image.effect_noise((40, 40), 50).convert("RGB").save(folder / "000001.webp")
    cut(folder / "000001.webp")


def damage_heic(folder):
    os.rename(folder / "000001.jpg", folder / "000001.heic")
    (folder / "000001.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(100))


def damage_float(folder):
    (folder / "000001.jpg").unlink()
    Image.fromarray(np.zeros((9, 9), np.float32)).save(folder / "000001.tif")


@pytest.mark.parametrize(
    "damage",
    [damage_empty, damage_page, damage_cut, damage_png, damage_webp, damage_heic, damage_float],
    ids=lambda damage: damage.__name__.removeprefix("damage_"),
)
def test_unreadable_files_are_found_before_training(damage, tmp_path):
    fill(tmp_path, 6)
    for path in tmp_path.iterdir():  # noise is long enough to be cut
        Image.effect_noise((40, 40), 50).convert("RGB").save(path)
    damage(tmp_path)
    text = refused(r"1 of 6 images cannot be read, first .*000001\.\w+ \(.+\): convert", tmp_path)
    assert "skip_unreadable=True" in text
    files = folders.find(tmp_path, at_least=5, skip_unreadable=True)
    assert len(files.paths) == 5 and re.search(r"000001\.\w+$", files.skipped[0])
    assert len(array_of(folders.stream(files, size=8, batch_size=5))) == 5
    refused("only 5 images that can be read", tmp_path, at_least=6, skip_unreadable=True)


def test_all_files_are_unreadable(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"")
    refused("only 0 images", tmp_path, at_least=0, skip_unreadable=True)


def test_a_jpeg_with_something_behind_its_end_is_fine(tmp_path):
    fill(tmp_path, 1)
    with open(tmp_path / "000000.jpg", "ab") as file:
        file.write(b"a camera's private notes")
    assert len(folders.find(tmp_path, at_least=1).paths) == 1


def test_damage_in_the_middle_is_found_by_decoding_all(tmp_path):
    Image.effect_noise((60, 60), 50).convert("RGB").save(tmp_path / "a.png")
    content = bytearray((tmp_path / "a.png").read_bytes())
    content[2000:2100] = bytes(100)
    (tmp_path / "a.png").write_bytes(content)
    files = folders.find(tmp_path, at_least=1)
    with pytest.raises(tf.errors.OpError, match="a.png cannot be read any more .*decode_all=True"):
        array_of(folders.stream(files, size=8, batch_size=1))
    refused("1 of 1 images cannot be read, first .*a.png", tmp_path, decode_all=True)


def test_a_file_that_vanishes(tmp_path):
    files = folders.find(fill(tmp_path, 2), at_least=2)
    (tmp_path / "000001.jpg").unlink()
    with pytest.raises(tf.errors.OpError, match="000001.jpg cannot be read any more .*No such"):
        array_of(folders.stream(files, size=8, batch_size=2))


def test_several_kinds_of_images(tmp_path):
    fill(tmp_path, 3)
    picture("L").save(tmp_path / "grey.png")
    picture("RGBA").save(tmp_path / "glass.png")
    picture("P").save(tmp_path / "palette.gif")
    picture("CMYK").save(tmp_path / "print.jpg")
    picture("1").save(tmp_path / "fax.png")
    Image.fromarray(np.zeros((9, 9), np.uint16)).save(tmp_path / "sixteen.png")
    text = refused(r"channels=3\), or channels=1 for grey", tmp_path, at_least=9)
    found = "3 in colour, 1 grey, 1 with a palette, 1 CMYK, 1 black and white, 1 of 16 bits"
    assert "1 with transparency" in text
    assert all(part in text for part in found.split(", ")), text
    assert folders.find(tmp_path, channels=1, at_least=9).channels == 1


def test_images_of_one_special_kind(tmp_path):
    fill(tmp_path, 3, ending="png", mode="RGBA")
    refused(r"\(3 with transparency\)", tmp_path, at_least=3)


@pytest.mark.parametrize("value", [0, -1, 2.5, "64", None, True])
def test_sizes_that_are_none(value, tmp_path):
    files = folders.find(fill(tmp_path, 2), at_least=2)
    refused("size must be a whole number of at least 1", files, call=folders.stream, size=value)
    refused(
        "batch_size must be a whole number", files, call=folders.stream, size=8, batch_size=value
    )
    if value is not None and value != 0:
        refused("seed must be a whole number of at least 0", files, call=folders.stream, seed=value)


@pytest.mark.parametrize("channels", [0, 2, 4, "rgb"])
def test_channels_that_are_none(channels, tmp_path):
    refused("channels is 1 for grey or 3 for colour", tmp_path, channels=channels)


def test_importing_folders_is_cheap():
    code = "import sys; from vaelib import folders; "
    code += "print([name for name in ('tensorflow', 'keras', 'PIL') if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == "[]", result.stderr
