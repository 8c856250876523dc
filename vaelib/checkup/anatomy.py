"""Find the parts of a VAE in what passes through its layers: the two heads, z, the last layer.

The heads are found by name, else as two layers of equal width that read the same tensor, or as one
layer whose output is twice as wide as what the decoder reads. What they do is then measured: the
constant of mu shifts what the decoder reads, the constant of the second head does not.
"""

import numpy as np

from vaelib.checkup.heads import (
    SPREAD,
    Unclear,
    check_pair,
    flat,
    is_affine,
    matches,
    names_of,
    pairs_of,
    split_head,
)  # fmt: skip
from vaelib.checkup.subject import Units, last_added

SHIFT = 8.0  # of mu: more than any sigma that the untouched heads give


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
    second_at = None  # where the second head is read, if not at its own output

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
            values = passed(subject, where[part])
            return [flat(v)[:, self.columns] for v in values] if part == "z" else values
        units = getattr(self, part)
        if part == "second" and self.second_at:
            return [flat(v) for v in passed(subject, self.second_at)]
        values = passed(subject, (units.layer, "out", 0))
        return [flat(v)[:, units.start : units.stop] for v in values]


def passed(subject, where):
    """What passed a place, step by step; a step that is not compiled has taps of its own."""
    tap = tap_of(subject.watch, where)
    # On JAX the values of such a step are symbolic, too: it is traced for its gradient.
    if subject.steps == 1 or len(tap.values) > 1:
        return tap.values
    same = [t for t in subject.watch.taps() if t.layer is tap.layer and t.side == tap.side]
    each = max(len(same) // subject.steps, 1)
    return [t.first for t in same[same.index(tap) % each :: each]]


def tap_of(watch, where):
    """The tap of a layer, a side and a number among the taps of that side."""
    layer, side, index = where
    same = [tap for tap in watch.taps() if tap.layer is layer and tap.side == side]
    if not same:
        raise Unclear(f"nothing passed the layer {layer.name!r}")
    return same[min(index, len(same) - 1)]  # evaluate may call it less often than a step


def place_of(tap, taps):
    """The other way round: layer, side and number of a tap."""
    same = [t for t in taps if t.layer is tap.layer and t.side == tap.side]
    return tap.layer, tap.side, same.index(tap)


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
    affine = [tap for tap in taps if tap.side == "out" and is_affine(tap.layer)]
    picture = _picture(taps, pixels)
    names = names_of(subject.model, subject.keras.layers.Layer)
    pairs = pairs_of(affine, taps, picture, names, mu, log_var)
    if len(pairs) > 1:
        pairs = _those_that_follow(subject, pairs, taps, picture)
    if pairs:
        heads = pairs[0]
        after = max(tap.order for tap in heads)
    else:
        heads, after = split_head(affine, taps, picture)
    entry = _entry(taps, heads, after, picture)
    lasts = _lasts(taps, after, picture)
    parts = (place_of(entry, taps), lasts[0], place_of(picture, taps))
    units = _units(heads, entry)
    columns, order = _follow(subject, units, parts[0])
    if columns is None and len(units) == 2 and not (mu or log_var):
        named = [bool(matches(SPREAD, names, unit.layer)) for unit in units]
        if sum(named) != 1:
            raise Unclear(
                f"Neither {units[0].name!r} nor {units[1].name!r} shifts what the decoder reads: "
                "name the layers, checkup(vae, x, mu='...', log_var='...')."
            )
        order = 1 if named[0] else 0
    if order:
        units = units[::-1]
    found = Anatomy(units[0], units[1] if len(units) > 1 else None, parts[0], columns, *parts[1:])
    found.sure, found.lasts = bool(mu or log_var), lasts
    return found


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


def _those_that_follow(subject, groups, taps, picture):
    """The pairs whose mu reaches the decoder; more than one is a hierarchical VAE."""
    found = []
    for group in groups:
        try:
            check_pair(group)
            entry = _entry(taps, group, max(tap.order for tap in group), picture)
        except Unclear:
            continue
        if _follow(subject, _units(group, entry), place_of(entry, taps))[0] is not None:
            found.append(group)
    if len(found) != 1:
        raise Unclear(
            "Several pairs of layers could be mu and log_var, as in a hierarchical VAE: "
            "name the two to look at, checkup(vae, x, mu='...', log_var='...')."
        )
    return found


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
    return bool(layer.trainable_weights) or (not layer.trainable and is_affine(layer))


def _holds_layers(layer):
    return bool(list(layer._flatten_layers(include_self=False, recursive=False)))


def _lasts(taps, after, picture):
    """The last layers with weights before the picture, as ``Units``, the very last one first."""
    found = [
        tap for tap in taps
        if after < tap.order <= picture.order and tap.side == "out"
        and _has_weights(tap.layer) and not _holds_layers(tap.layer)
    ]  # fmt: skip
    fit = [t for t in reversed(found) if last_added(t.layer) is not None or is_affine(t.layer)]
    return [Units(tap.layer) for tap in fit[:4]] or [None]


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
            width = units[0].stop - units[0].start
            if len(columns) and len(columns) % width == 0:  # a recurrent decoder repeats z
                return columns[:width], index
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
