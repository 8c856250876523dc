"""Find the parts of a VAE in what passes through its layers: the two heads, z, the last layer.

The heads are found by name, else as two layers of equal width that read the same tensor, or as one
layer whose output is twice as wide as what the decoder reads. What they do is then measured: the
constant of mu shifts what the decoder reads, the constant of the second head does not.
"""

import re

import numpy as np

from vaelib.checkup.subject import Units, last_added

MU = re.compile(r"(^|_)(mu|mean|means|loc)\d*(_|$)|^z_?m(ean|u)?$")
SPREAD = re.compile(
    r"log_?(var|sig|std|scale|variance)|(^|_)(sigma|std|stddev|var|variance|scale|logv|lv)\d*(_|$)"
)
SHIFT = 8.0  # of mu: more than any sigma that the untouched heads give


class Unclear(ValueError):
    """The parts of the model cannot be told apart; the text says what is needed."""


class Anatomy:
    """What ``find`` found: ``mu`` and ``second`` are ``Units``; ``second`` may be None.

    ``columns`` are those of the decoder's input that follow mu, ``entry`` tells the tap where the
    decoder reads it; ``last`` is the decoder's last layer with weights, ``picture`` tells the tap
    of the reconstruction.
    """

    def __init__(self, mu, second, entry, columns, last, picture):
        self.mu, self.second, self.entry, self.columns = mu, second, entry, columns
        self.last, self.picture = last, picture

    sure = False  # the caller named the heads

    @property
    def diagonal(self):
        """Whether the second head has one number for each dimension."""
        return self.second is not None and self.second.stop - self.second.start == self.z_dim

    @property
    def z_dim(self):
        return self.mu.stop - self.mu.start

    def value(self, subject, part):
        """What passed there in the first step: "z", "x_hat", "mu" or "second"; see ``values``."""
        return self.values(subject, part)[0]

    def values(self, subject, part):
        """What passed there, step by step; (images, z_dim), or the shape of the images."""
        where = {"z": self.entry, "x_hat": self.picture}
        if part in where:
            values = tap_of(subject.watch, where[part]).values
            return [flat(v)[:, self.columns] for v in values] if part == "z" else values
        units = getattr(self, part)
        values = tap_of(subject.watch, (units.layer, "out", 0)).values
        return [flat(v)[:, units.start : units.stop] for v in values]


def tap_of(watch, where):
    """The tap of a layer, a side and a number among the taps of that side."""
    layer, side, index = where
    return [tap for tap in watch.taps() if tap.layer is layer and tap.side == side][index]


def place_of(tap, taps):
    """The other way round: layer, side and number of a tap."""
    same = [t for t in taps if t.layer is tap.layer and t.side == tap.side]
    return tap.layer, tap.side, same.index(tap)


def flat(array):
    """One row for each image."""
    return array.reshape(len(array), -1)


def find(subject, pixels, mu=None, log_var=None):
    """Find the parts; one run with the untouched weights must be the last that the watch saw.

    Args:
        subject: a ``Subject``.
        pixels: numbers in one image.
        mu, log_var: names of layers, if the caller knows them.

    Raises:
        Unclear: the parts cannot be told apart.
    """
    taps = subject.watch.taps()
    affine = [tap for tap in taps if tap.side == "out" and _is_affine(tap.layer)]
    picture = _picture(taps, pixels)
    names = names_of(subject.model, subject.keras.layers.Layer)
    pairs = _pairs(affine, taps, picture, names, mu, log_var)
    if pairs:
        heads = pairs[0]
        after = max(tap.order for tap in heads)
    else:
        heads, after = _split_head(affine, taps, picture)
    entry = _entry(taps, heads, after, picture)
    last = _last(taps, after, picture)
    parts = (place_of(entry, taps), last, place_of(picture, taps))
    units = _units(heads, entry)
    columns, order = _follow(subject, units, parts[0])
    if columns is None and len(units) == 2 and not (mu or log_var):
        named = [bool(_matches(SPREAD, names, unit.layer)) for unit in units]
        if sum(named) != 1:
            raise Unclear(
                f"Neither {units[0].name!r} nor {units[1].name!r} shifts what the decoder reads: "
                "name the layers, checkup(vae, x, mu='...', log_var='...')."
            )
        order = 1 if named[0] else 0
    if order:
        units = units[::-1]
    found = Anatomy(units[0], units[1] if len(units) > 1 else None, parts[0], columns, *parts[1:])
    found.sure = bool(mu or log_var)
    return found


def _is_affine(layer):
    kernels = (getattr(layer, name, None) for name in ("kernel", "w", "W"))
    return any(hasattr(kernel, "assign") for kernel in kernels)


def names_of(model, kind):
    """Names of each layer: its own, and those of the attributes that hold it, by identity."""
    found = {}
    for owner in [model, *model._flatten_layers(include_self=False, recursive=True)]:
        found.setdefault(id(owner), []).append(owner.name)
        for name, value in vars(owner).items():
            if isinstance(value, kind):
                found.setdefault(id(value), []).append(name)
    return found


def _matches(pattern, names, layer):
    return any(pattern.search(name.lower()) for name in names.get(id(layer), [layer.name]))


def _picture(taps, pixels):
    found = [
        tap for tap in taps
        if tap.side == "out" and tap.first.ndim > 1 and flat(tap.first).shape[1] == pixels
        and not tap.drawn
    ]  # fmt: skip
    if not found:
        raise Unclear(
            f"No layer puts out something of the size of an image ({pixels} numbers): this is no "
            "VAE of these images, or x and y are not those that fit() gets."
        )
    return found[-1]


def _pairs(affine, taps, picture, names, mu, log_var):
    """Pairs of taps that may be the two heads, the likeliest first."""
    if mu or log_var:
        return [_named_by_caller(affine, names, mu, log_var)]
    early = _first_calls([tap for tap in affine if tap.order < picture.order])
    by_name = [[t for t in early if _matches(p, names, t.layer)] for p in (MU, SPREAD)]
    by_name[0] = [tap for tap in by_name[0] if tap not in by_name[1]]
    if [len(found) for found in by_name] == [1, 1]:
        pair = [by_name[0][0], by_name[1][0]]
        _check_shape(pair)
        return [pair]
    groups = {}
    for tap in early:
        source = _input_of(tap, taps)
        if source is not None and tap.first.ndim in (2, 4):
            key = (source.first.tobytes(), tap.first.shape)
            groups.setdefault(key, []).append(tap)
    groups = [group for group in groups.values() if len(group) > 1]
    groups = [g for g in groups if flat(g[0].first).shape[1] != flat(picture.first).shape[1]]
    if len(groups) > 1:
        raise Unclear(
            "Several pairs of layers could be mu and log_var, as in a hierarchical VAE: "
            "name the two to look at, checkup(vae, x, mu='...', log_var='...')."
        )
    if groups and len(groups[0]) > 2:
        heads = ", ".join(tap.layer.name for tap in groups[0])
        raise Unclear(
            f"Three or more layers could be heads ({heads}): name the two to look at, "
            "checkup(vae, x, mu='...', log_var='...')."
        )
    for group in groups:
        _check_shape(group)
    return groups


def _first_calls(taps):
    """Each layer once, where it is called first."""
    seen, first = set(), []
    for tap in taps:
        if id(tap.layer) not in seen:
            first.append(tap)
        seen.add(id(tap.layer))
    return first


def _named_by_caller(affine, names, mu, log_var):
    if not (mu and log_var):
        raise Unclear("Name both layers, mu and log_var, or neither.")
    pair = []
    for name in (mu, log_var):
        found = [tap for tap in affine if name in names.get(id(tap.layer), [tap.layer.name])]
        if not found:
            known = ", ".join(dict.fromkeys(tap.layer.name for tap in affine))
            raise Unclear(
                f"No layer with weights is called {name!r} and takes part in a training step; "
                f"there are {known}."
            )
        pair.append(found[0])
    _check_shape(pair)
    return pair


def _check_shape(pair):
    shapes = [tap.first.shape for tap in pair]
    if any(len(shape) > 2 and np.prod(shape[1:-1]) > 1 for shape in shapes):
        raise Unclear(
            f"The heads put out maps of shape {shapes[0][1:]}, not vectors: the checkup reads "
            "latent vectors alone."
        )
    if shapes[0] != shapes[1]:
        names = " and ".join(repr(tap.layer.name) for tap in pair)
        raise Unclear(f"The layers {names} put out different shapes, {shapes[0]} and {shapes[1]}.")
    for tap in pair:
        if last_added(tap.layer) is None:
            raise Unclear(
                f"The layer {tap.layer.name!r} has no bias, so the checkup cannot set its output: "
                "give it one for the time of the examination (use_bias=True)."
            )


def _input_of(tap, taps):
    before = [t for t in taps if t.layer is tap.layer and t.side == "in" and t.order < tap.order]
    return before[-1] if before else None


def _split_head(affine, taps, picture):
    """One layer puts out mu and log_var side by side: the decoder reads half of its width."""
    early = [tap for tap in affine if tap.order < picture.order and tap.first.ndim == 2]
    for tap, after in zip(early, early[1:]):
        read = _input_of(after, taps)
        if read is None:
            continue
        width, needed = tap.first.shape[1], flat(read.first).shape[1]
        triangle = needed * (needed + 3) // 2  # a lower triangle instead of a diagonal
        if needed < width and width in (2 * needed, triangle) and last_added(tap.layer) is not None:
            return [tap], tap.order
    for tap in taps:  # the first thing in the decoder may be no layer with weights
        if tap.order > picture.order or tap.side == "in" or tap.first.ndim != 2:
            continue
        wide = [
            t for t in early if t.order < tap.order and t.first.shape[1] == 2 * tap.first.shape[1]
        ]
        if wide and last_added(wide[-1].layer) is not None and not _is_affine(tap.layer):
            if not any(t.order > wide[-1].order and t.order < tap.order for t in early):
                return [wide[-1]], wide[-1].order
    maps = [tap for tap in affine if tap.order < picture.order and tap.first.ndim == 4]
    hint = (
        " If its latent space is a map and not a vector, the checkup cannot read it."
        if maps and not early
        else ""
    )
    raise Unclear(
        "No two layers look like mu and log_var: this model is no VAE, or its heads are hidden; "
        f"if it is one, name them, checkup(vae, x, mu='...', log_var='...').{hint}"
    )


def _reads_both(tap, taps, told):
    """Whether a layer reads both heads, as one does that adds the KL term or draws."""
    reads = [flat(t.first) for t in taps if t.layer is tap.layer and t.side == "in"]
    return len(told) > 1 and all(any(np.array_equal(r, t) for r in reads) for t in told)


def _entry(taps, heads, after, picture):
    """Where the decoder reads its code: the input of its first layer with weights."""
    later = [tap for tap in taps if after < tap.order <= picture.order]
    told = [flat(tap.first) for tap in heads]
    for tap in later:
        if tap.side == "in" and _has_weights(tap.layer) and not _holds_layers(tap.layer):
            if not _reads_both(tap, later, told):
                return tap
    raise Unclear("No layer with weights comes after the heads: where does the decoder begin?")


def _has_weights(layer):
    return bool(layer.trainable_weights)


def _holds_layers(layer):
    return bool(list(layer._flatten_layers(include_self=False, recursive=False)))


def _last(taps, after, picture):
    """The last layer with weights before the picture, as ``Units``; None if it has no bias."""
    found = [
        tap for tap in taps
        if after < tap.order <= picture.order and tap.side == "out"
        and _has_weights(tap.layer) and not _holds_layers(tap.layer)
    ]  # fmt: skip
    for tap in reversed(found):
        if last_added(tap.layer) is not None:
            return Units(tap.layer)
        if _is_affine(tap.layer):
            return None
    return None


def _units(heads, entry):
    if len(heads) == 2:
        return [Units(tap.layer) for tap in heads]
    width = heads[0].first.shape[1]
    read = flat(entry.first).shape[1]
    half = read if width == read * (read + 3) // 2 and width != 2 * read else width // 2
    return [Units(heads[0].layer, 0, half), Units(heads[0].layer, half, width)]


def _follow(subject, units, place):
    """Which columns of the decoder's input follow which head; (columns, index of mu)."""
    for shift in (-SHIFT, SHIFT):  # an activation may cut one side off
        rest, _ = _shifted(subject, units, place, None, shift)
        for index, unit in enumerate(units):
            read, told = _shifted(subject, units, place, unit, shift)
            moved, expected = read - rest, told
            if abs(expected) < 0.5:
                continue
            with np.errstate(invalid="ignore"):
                columns = np.flatnonzero(np.abs(moved - expected) < 0.4 * abs(expected))
            if len(columns) == units[0].stop - units[0].start:
                return columns, index
    return None, 0


def _shifted(subject, units, place, shifted, shift):
    """Mean of what the decoder reads, and how far the shifted head itself has moved."""
    for unit in units:
        subject.hold(unit, shift if unit is shifted else 0.0)
    subject.run(n=4 * subject.batch)
    read = np.concatenate([flat(v) for v in tap_of(subject.watch, place).values]).mean(axis=0)
    told = 0.0
    if shifted is not None:
        out = flat(tap_of(subject.watch, (shifted.layer, "out", 0)).first)
        told = float(out[:, shifted.start : shifted.stop].mean())
    subject.let_go()
    return read, told
