// The decoders of the latent explorer, from the weights in explorer-data.js: what Keras computes,
// step by step. tests/test_explorer.py holds the two to the same pixels. One decoding takes about
// half a million multiplications.
"use strict";

const LatentDecoder = (() => {
  // Base64 to an array of numbers, such as Float32Array or Int16Array.
  function unpack(text, Kind) {
    return new Kind(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
  }

  const STEPS = {
    dense({ inputs, outputs }, weights, x) {
      const [kernel, y] = [weights(inputs * outputs), Float32Array.from(weights(outputs))];
      for (let i = 0; i < inputs; i++) {
        for (let o = 0; o < outputs; o++) y[o] += x[i] * kernel[i * outputs + o];
      }
      return y;
    },

    // Every input pixel spreads over kernel x kernel output pixels, stride pixels apart.
    convTranspose({ side, kernel: k, stride, filters, channels }, weights, x) {
      const [kernel, bias] = [weights(k * k * filters * channels), weights(filters)];
      const wide = side * stride, padding = Math.floor((k - stride) / 2);
      const y = new Float32Array(wide * wide * filters);
      for (let at = 0; at < y.length; at++) y[at] = bias[at % filters];
      for (let pixel = 0; pixel < side * side; pixel++) {
        const top = Math.floor(pixel / side) * stride - padding, left = (pixel % side) * stride - padding;
        for (let spot = 0; spot < k * k; spot++) {
          const row = top + Math.floor(spot / k), column = left + (spot % k);
          if (row < 0 || column < 0 || row >= wide || column >= wide) continue;
          const to = (row * wide + column) * filters;
          let from = spot * filters * channels;
          for (let f = 0; f < filters; f++) {
            let sum = 0;
            for (let c = 0; c < channels; c++) sum += kernel[from++] * x[pixel * channels + c];
            y[to + f] += sum;
          }
        }
      }
      return y;
    },

    // Batch normalization, as it is after the training.
    scale({ size }, weights, x) {
      const [scale, shift] = [weights(size), weights(size)];
      for (let at = 0; at < x.length; at++) x[at] = x[at] * scale[at % size] + shift[at % size];
      return x;
    },

    relu(_, weights, x) {
      for (let at = 0; at < x.length; at++) if (x[at] < 0) x[at] = 0;
      return x;
    },

    sigmoid: (_, weights, x) => x.map((value) => 1 / (1 + Math.exp(-value))),
  };

  // A function from a point of the plane to an image: 28 * 28 pixels in [0, 1], row by row.
  function build(network, numbers) {
    return (z1, z2) => {
      let start = 0;
      const weights = (count) => numbers.subarray(start, (start += count));
      return network.reduce((x, step) => STEPS[step.kind](step, weights, x), Float32Array.of(z1, z2));
    };
  }

  // The data of the page, unpacked.
  function prepare(data) {
    const models = data.models.map((model) => ({
      ...model,
      stride: model.beta === null ? 2 : 4, // mu, and in a VAE sigma
      codes: Float32Array.from(unpack(model.codes, Int16Array), (value) => value * model.scale),
      decode: build(data.network, unpack(model.weights, Float32Array)),
    }));
    return { ...data, labels: unpack(data.labels, Uint8Array), plain: models[0], sweep: models.slice(1) };
  }

  // Of the codes of some digits: whose is nearest to a point, how far it is, how many of how many
  // lie within 0.5.
  function nearest({ codes, stride }, labels, only, [z1, z2]) {
    let label, distance = Infinity, count = 0, total = 0;
    for (let at = 0; at < labels.length; at++) {
      if (!only.includes(labels[at])) continue;
      const far = Math.hypot(codes[at * stride] - z1, codes[at * stride + 1] - z2);
      if (far < distance) [label, distance] = [labels[at], far];
      if (far < 0.5) count += 1;
      total += 1;
    }
    return { label, distance, count, total };
  }

  return { prepare, nearest };
})();
