"""Which layers may be the heads? By name, by a common input, or as one layer of double width."""

import re

import numpy as np

from vaelib.checkup.subject import last_added

MU = re.compile(r"(^|_)(mu|mean|means|loc)\d*(_|$)|^z_?m(ean|u)?$")
SPREAD = re.compile(
    r"log_?(var|sig|std|scale|variance)|(^|_)(sigma|std|stddev|var|variance|scale|logv|lv)\d*(_|$)"
)


class Unclear(ValueError):
    """The parts of the model cannot be told apart; the text says what is needed."""


def is_affine(layer):
    """Whether a layer multiplies by weights."""
    kernels = (getattr(layer, name, None) for name in ("kernel", "w", "W"))
    return any(hasattr(kernel, "assign") for kernel in kernels)


def flat(array):
    """One row for each image."""
    return array.reshape(len(array), -1)


def names_of(model, kind):
    """Names of each layer: its own, and those of the attributes that hold it, by identity."""
    found = {}
    for owner in [model, *model._flatten_layers(include_self=False, recursive=True)]:
        found.setdefault(id(owner), []).append(owner.name)
        for name, value in vars(owner).items():
            if isinstance(value, kind):
                found.setdefault(id(value), []).append(name)
    return found


def matches(pattern, names, layer):
    """Whether one of the names of a layer tells what it is."""
    return any(pattern.search(name.lower()) for name in names.get(id(layer), [layer.name]))


def pairs_of(affine, taps, picture, names, mu, log_var):
    """Pairs of taps that may be the two heads, the likeliest first."""
    if mu or log_var:
        return [_named_by_caller(affine, names, mu, log_var)]
    early = _first_calls([tap for tap in affine if tap.order < picture.order])
    by_name = [[t for t in early if matches(p, names, t.layer)] for p in (MU, SPREAD)]
    by_name[0] = [tap for tap in by_name[0] if tap not in by_name[1]]
    if [len(found) for found in by_name] == [1, 1]:
        pair = [by_name[0][0], by_name[1][0]]
        _check_shape(pair)
        return [pair]
    groups = {}
    for tap in early:
        source = input_of(tap, taps)
        if source is not None and tap.first.ndim in (2, 4):
            key = (source.first.tobytes(), tap.first.shape)
            groups.setdefault(key, []).append(tap)
    groups = [g for g in groups.values() if len(g) > 1 and not _hidden(g, affine, taps)]
    groups = [g for g in groups if flat(g[0].first).shape[1] != flat(picture.first).shape[1]]
    if len(groups) == 1:
        check_pair(groups[0])
    return groups


def check_pair(group):
    """Raise ``Unclear`` unless two layers can be heads."""
    if len(group) > 2:
        heads = ", ".join(tap.layer.name for tap in group)
        raise Unclear(
            f"Three or more layers could be heads ({heads}): name the two to look at, "
            "checkup(vae, x, mu='...', log_var='...')."
        )
    _check_shape(group)


def _hidden(group, affine, taps):
    """Whether layers side by side are but hidden ones: layers with weights read them."""
    reads = [input_of(tap, taps) for tap in affine]
    reads = [flat(tap.first) for tap in reads if tap is not None]
    read = [any(np.array_equal(flat(tap.first), r) for r in reads) for tap in group]
    return sum(read) > 1


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


def input_of(tap, taps):
    """The tap of what the layer read to put that out."""
    before = [t for t in taps if t.layer is tap.layer and t.side == "in" and t.order < tap.order]
    return before[-1] if before else None


def split_head(affine, taps, picture):
    """One layer puts out mu and log_var side by side: the decoder reads half of its width."""
    early = [tap for tap in affine if tap.order < picture.order and tap.first.ndim == 2]
    for tap, after in zip(early, early[1:]):
        read = input_of(after, taps)
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
        if wide and last_added(wide[-1].layer) is not None and not is_affine(tap.layer):
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
