// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/model/llama.h"

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

namespace engine {

/// The gradients' L2 norm over all parameters and what follows from it, 0-d fp32 on the device:
/// nothing is read by the host.
struct GradientNorm {
  at::Tensor of_each;    ///< [parameters], before clipping
  at::Tensor norm;       ///< of all, before clipping
  at::Tensor divisor;    ///< max(1, norm / max_norm): the optimizer divides gradients by it
  at::Tensor found_inf;  ///< 1 when the norm is not finite: the update is to be skipped
};

/// Reads the parameters' gradients. `max_norm` <= 0: no clipping, divisor 1.
GradientNorm gradient_norm(const std::vector<Parameter>& parameters, double max_norm);

/// Forgets all gradients; the next backward pass hands over its own buffers.
void zero_gradients(const std::vector<Parameter>& parameters);

struct AdamWOptions {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;
};

/// AdamW with decoupled weight decay over fp32 masters: on CUDA kernels/adamw, elsewhere one fused
/// update of ATen's per group. Biases and norm
/// weights do not decay.
class AdamW {
 public:
  AdamW(const std::vector<Parameter>& parameters, const AdamWOptions& options);

  /// One update with the gradients clipped on the way. Changes nothing, not even the step count,
  /// when found_inf is 1. `working`: bf16 copies of parameters that are written with them.
  void step(double learning_rate, const GradientNorm& gradients,
            const std::vector<WorkingWeights*>& working = {});

  /// "<parameter>.exp_avg", "<parameter>.exp_avg_sq" and "step" (updates applied): the tensors
  /// themselves, to be saved or written into.
  std::vector<std::pair<std::string, at::Tensor>> state() const;

 private:
  struct Group {
    double weight_decay = 0;
    std::vector<std::string> names;
    std::vector<at::Tensor> parameters;
    std::vector<at::Tensor> exp_avg;
    std::vector<at::Tensor> exp_avg_sq;
    std::vector<at::Tensor> steps;  // the one step tensor, repeated
  };

  void step_on_cuda(double learning_rate, const GradientNorm& gradients,
                    const std::vector<WorkingWeights*>& working);

  AdamWOptions options_;
  at::Tensor step_;
  std::vector<Group> groups_;
};

}  // namespace engine
