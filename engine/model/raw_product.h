// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/model/layer_input.h"

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include <optional>
#include <vector>

namespace engine {

/// The product of layers as it is before a paradigm has made their outputs of it, so that whatever
/// comes next can do that on its way. Used once, by one of its functions; all without autograd.
class RawProduct : public torch::CustomClassHolder {
 public:
  /// The outputs side by side, [rows, sum of outputs].
  virtual at::Tensor values() = 0;

  /// Makes q, k and v [B, S, heads, head_dim], dense, of the outputs of three layers: their heads,
  /// of q and k rotated by cos, sin [S, head_dim / 2] in fp32. False, and nothing done, where they
  /// can only be made of values().
  virtual bool split_heads(const at::Tensor& /*cos*/, const at::Tensor& /*sin*/,
                           const at::Tensor& /*q*/, const at::Tensor& /*k*/,
                           const at::Tensor& /*v*/) {
    return false;
  }

  struct Normed {
    at::Tensor sum, y, scale;  ///< as add_rms_norm() makes them, and what its gradient needs
  };
  /// Whether add_rms_norm() is possible.
  virtual bool adds_to_norm() const { return false; }
  /// x + the outputs of one layer, and its norm, whose extent it folds in where one is wanted.
  virtual Normed add_rms_norm(const at::Tensor& /*x*/, const at::Tensor& /*weight*/,
                              double /*epsilon*/, const Extent& /*extent*/) {
    return {};
  }

  struct Gated {
    at::Tensor y;                  ///< [rows, outputs of each]
    std::vector<at::Tensor> kept;  ///< for swiglu_gradient()
  };
  /// silu(gate)·up of the outputs of two layers, whose extent it folds in where one is wanted.
  /// Nothing, and nothing done, where it can only be made of values().
  virtual std::optional<Gated> swiglu(const Extent& /*extent*/) { return std::nullopt; }
  /// The gradient of values() from that of y.
  virtual at::Tensor swiglu_gradient(const std::vector<at::Tensor>& /*kept*/,
                                     const at::Tensor& /*y_gradient*/) const {
    return {};
  }
};

}  // namespace engine
