/* The calculators of the page "Convert a KL weight"; the formulas are those of conversions.js. */
"use strict";

(() => {
  /* A number as one reads it: four digits, no zeros behind them, and 6.5e-4 for 0.00065. */
  function shown(value) {
    const rounded = Number(value.toPrecision(4));
    const small = rounded !== 0 && Math.abs(rounded) < 1e-3;
    return small ? rounded.toExponential() : String(rounded);
  }

  function values(form) {
    return Object.fromEntries(new FormData(form));
  }

  function lossOf(form) {
    const typed = values(form);
    const bracket = typed.kl === "whole" ? "whole" : "half";
    return { ...typed, bracket, flipped: typed.kl === "flipped" };
  }

  function fromLoss(form) {
    const loss = lossOf(form);
    const found = Conversions.beta(loss);
    const said = [
      `beta = ${shown(found.beta)}. Your loss is ${shown(found.constant)} times ` +
        `(reconstruction + ${shown(found.beta)} KL), in nats per image.`,
    ];
    if (found.s) {
      said.push(
        `Read as an ELBO, it is that of a Gaussian decoder with s = ${shown(found.s)}. ` +
          `Beside the whole summed squared error the KL term weighs ${shown(2 * found.beta)}.`,
      );
    }
    if ((loss.pixels === "batch") !== (loss.dimensions === "batch")) {
      said.push("It depends on the batch size: a smaller last batch has another beta.");
    }
    return said.join(" ");
  }

  function toWeight(form) {
    const loss = lossOf(form);
    const weight = Conversions.weight(loss, loss.wanted);
    const sign = loss.flipped ? " and a minus before it" : "";
    return `Write the weight ${shown(weight)} before this KL term${sign}.`;
  }

  function toNats(form) {
    const { value, log, per, n } = values(form);
    const nats = Conversions.nats(value, log, per, n);
    const bits = Conversions.bitsPerDimension(nats, n);
    return `${shown(nats)} nats per image, or ${shown(bits)} bits per dimension.`;
  }

  function fromNoise(form) {
    const { s, n } = values(form);
    const found = Conversions.ofNoise(s);
    const mean = found.beside_sum / Conversions.count(n, "The number of pixels");
    return (
      `beta = ${shown(found.beta)}; beside the summed squared error the KL term weighs ` +
      `${shown(found.beside_sum)}, beside the mean squared error ${shown(mean)}.`
    );
  }

  function answer(place, compute, form) {
    let said;
    let wrong = false;
    try {
      said = compute(form);
    } catch (error) {
      said = error.message;
      wrong = true;
    }
    if (place.textContent !== said) place.textContent = said;
    place.classList.toggle("wrong", wrong);
  }

  function start(id, answers) {
    const form = document.getElementById(id);
    const batch = form.elements.images;
    const update = () => {
      if (batch) {
        const { pixels, dimensions } = values(form);
        batch.closest("label").hidden = pixels !== "batch" && dimensions !== "batch";
      }
      for (const [place, compute] of answers) answer(form.querySelector(place), compute, form);
    };
    form.addEventListener("input", update);
    form.hidden = false;
    update();
    // Whoever comes back finds the fields as they were left, which the browser fills in last.
    addEventListener("pageshow", () => setTimeout(update, 0));
  }

  start("convert-beta", [
    [".converter-answer", fromLoss],
    [".converter-back", toWeight],
  ]);
  start("convert-nats", [[".converter-answer", toNats]]);
  start("convert-noise", [[".converter-answer", fromNoise]]);
  document.getElementById("converters-off").remove();
})();
