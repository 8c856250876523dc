/* The formulas of the page "Convert a KL weight": pure functions, used by converter.js and tested
   against NumPy in tests/test_conversions.py. A wrong input throws an Error with one sentence. */
"use strict";

const Conversions = (() => {
  /* How many times the sum over one image a reduced term is, averaged over the images. */
  const PIXELS = {
    sum: () => 1,
    mean: ({ height, width, channels }) => 1 / (height * width * channels),
    channels: ({ channels }) => 1 / channels,
    batch: ({ images }) => images,
  };
  const DIMENSIONS = {
    sum: () => 1,
    mean: ({ z_dim }) => 1 / z_dim,
    batch: ({ images }) => images,
  };
  /* The same for the formula of a term: cross-entropy; a squared error, in units of its half. */
  const ERRORS = { bce: 1, squared: 2, half: 1 };
  const BRACKETS = { half: 1, whole: 2 };
  /* Nats per unit. */
  const LOGS = { nats: 1, bits: Math.LN2, base10: Math.LN10 };
  const SIZES = {
    height: "The height",
    width: "The width",
    channels: "The number of channels",
    z_dim: "z_dim",
    images: "The batch size",
  };

  /* A number from what was typed, or a quotient as weights are often written: 1/784. Commas are
     refused, since they mean two things. */
  function number(text, name) {
    const typed = String(text ?? "").trim();
    const [above, below, ...more] = typed.split("/").map((part) => (part.trim() ? Number(part) : NaN));
    const found = below === undefined ? above : more.length ? NaN : above / below;
    if (typed === "") throw new Error(`${name} is missing.`);
    if (!Number.isFinite(found)) {
      throw new Error(`${name} must be a number such as 0.5, 6.5e-4 or 1/784, not "${typed}".`);
    }
    return found;
  }

  function positive(text, name) {
    const found = number(text, name);
    if (found <= 0) throw new Error(`${name} must be greater than 0, not ${found}.`);
    return found;
  }

  function count(text, name) {
    const found = positive(text, name);
    if (!Number.isInteger(found)) throw new Error(`${name} must be a whole number, not ${found}.`);
    return found;
  }

  function choice(table, word, name) {
    if (!Object.hasOwn(table, word)) throw new Error(`${name} must be one of those in the list.`);
    return table[word];
  }

  /* The sizes that the two reductions need; the batch size only where something is summed. */
  function sizes(loss) {
    const batch = loss.pixels === "batch" || loss.dimensions === "batch";
    const needed = Object.keys(SIZES).filter((name) => name !== "images" || batch);
    return Object.fromEntries(needed.map((name) => [name, count(loss[name], SIZES[name])]));
  }

  /* How many times the terms in nats per image stand in the loss, before their weights. */
  function factors(loss) {
    const size = sizes(loss);
    const pixels = choice(PIXELS, loss.pixels, "The pixels");
    const dimensions = choice(DIMENSIONS, loss.dimensions, "The dimensions");
    return {
      reconstruction: choice(ERRORS, loss.error, "The reconstruction") * pixels(size),
      kl: choice(BRACKETS, loss.bracket, "The KL term") * dimensions(size),
    };
  }

  /* What the loss is: constant * (reconstruction + beta * KL).

     loss: height, width, channels, z_dim, images; error ("bce", "squared", "half"), pixels ("sum",
     "mean", "channels", "batch"), reconstruction_weight; bracket ("half", "whole"), dimensions
     ("sum", "mean", "batch"), kl_weight; flipped: the KL term enters with the wrong sign.
     s: standard deviation of the Gaussian decoder whose ELBO it is, for a squared error. */
  function beta(loss) {
    const { reconstruction, kl } = factors(loss);
    const constant = reconstruction * positive(loss.reconstruction_weight, "The reconstruction weight");
    const weight = kl * positive(loss.kl_weight, "The KL weight");
    if (loss.flipped) {
      throw new Error(
        "This loss has no beta: its KL term has the wrong sign, so that training would drive the " +
          "clouds away from the prior.",
      );
    }
    const found = weight / constant;
    return { beta: found, constant, s: loss.error === "bce" ? null : Math.sqrt(found) };
  }

  /* The weight to write before the KL term for a wanted beta. */
  function weight(loss, wanted) {
    const { reconstruction, kl } = factors(loss);
    const before = positive(loss.reconstruction_weight, "The reconstruction weight");
    return (positive(wanted, "The beta that you want") * reconstruction * before) / kl;
  }

  /* A loss per image in nats, from a number in nats, bits or base 10, for the sum over an image
     or for the mean over its n numbers. It may be negative: a density can be. */
  function nats(value, log, per, n) {
    const times = per === "mean" ? count(n, "The number of pixels") : 1;
    return number(value, "The value") * choice(LOGS, log, "The logarithm") * times;
  }

  /* Nats per image, divided by n ln 2. */
  function bitsPerDimension(natsPerImage, n) {
    return natsPerImage / (count(n, "The number of pixels") * Math.LN2);
  }

  /* The weight beside the summed squared error, 2 s^2, and beside its half, beta = s^2. */
  function ofNoise(s) {
    const squared = positive(s, "s") ** 2;
    return { beside_sum: 2 * squared, beta: squared };
  }

  return { beta, weight, nats, bitsPerDimension, ofNoise, number, count };
})();
