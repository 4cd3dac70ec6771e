// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/probe/exact_output.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/softmax.h>

#include <cmath>
#include <limits>

namespace engine {
namespace {

/// Head by head, so that one head's scores exist at a time.
at::Tensor exact_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                           bool causal) {
  at::Tensor y = at::empty(q.sizes(), q.options());
  const std::int64_t group = q.size(1) / k.size(1);
  const std::int64_t queries = q.size(2), keys = k.size(2);
  const double scale = 1.0 / std::sqrt(static_cast<double>(q.size(3)));
  at::Tensor hidden;
  if (causal) {
    hidden = at::ones({queries, keys}, at::TensorOptions().dtype(at::kBool))
                 .tril(keys - queries)
                 .logical_not();
  }
  for (std::int64_t batch = 0; batch < q.size(0); ++batch) {
    for (std::int64_t head = 0; head < q.size(1); ++head) {
      const at::Tensor key = k.select(0, batch).select(0, head / group);
      at::Tensor scores = at::matmul(q.select(0, batch).select(0, head), key.t()).mul_(scale);
      if (causal) scores.masked_fill_(hidden, -std::numeric_limits<double>::infinity());
      y.select(0, batch).select(0, head).copy_(
          at::matmul(at::softmax(scores, -1), v.select(0, batch).select(0, head / group)));
    }
  }
  return y;
}

}  // namespace

at::Tensor exact_output(const ProbeConfig& config, const ProbeInputs& inputs) {
  const at::NoGradGuard no_gradient;
  const auto exact = [&](const char* name) {
    const at::Tensor tensor = inputs.find(name);
    return tensor.defined() ? tensor.to(at::kCPU, at::kDouble) : tensor;
  };
  switch (config.operation) {
    case ProbeOperation::linear: {
      const at::Tensor bias = exact("bias");
      const at::Tensor y = at::matmul(exact("x"), exact("weight").t());
      return (bias.defined() ? y.add(bias) : y).contiguous();
    }
    case ProbeOperation::matmul:
      return at::matmul(exact("a"), exact("b")).contiguous();
    case ProbeOperation::attention:
      return exact_attention(exact("q"), exact("k"), exact("v"), config.causal);
    case ProbeOperation::tensor:
      return exact("x").contiguous();
  }
  return {};
}

}  // namespace engine
