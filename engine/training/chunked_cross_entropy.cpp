// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/training/chunked_cross_entropy.h"

#include "engine/device/cuda_rows.h"
#include "engine/device/current_stream.h"
#include "engine/device/element_type.h"
#include "engine/device/parallel_for.h"
#include "kernels/cross_entropy/cross_entropy.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/zeros.h>
#include <c10/core/DeviceGuard.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <functional>
#include <optional>

namespace engine {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr std::int64_t kCpuChunkBytes = 64 << 20;
constexpr std::int64_t kDeviceChunkBytes = 512 << 20;
/// Of a chunk's product, where somebody may want to end the pass: about a tenth of a second.
constexpr std::int64_t kAskedFlops = 8'000'000'000;
/// Fewer logits than this are not worth a second thread.
constexpr std::int64_t kGrain = 1 << 15;

std::int64_t chosen_chunk(std::int64_t tokens, std::int64_t vocabulary, bool on_cpu) {
  const std::int64_t bytes = on_cpu ? kCpuChunkBytes : kDeviceChunkBytes;
  const std::int64_t rows = std::max<std::int64_t>(64, bytes / (4 * vocabulary) / 64 * 64);
  return std::min(tokens, rows);
}

/// logits [R, V] fp32: writes the rows' losses and, when asked, whether the argmax is the label;
/// leaves scale · (softmax - one_hot) in `logits`.
void loss_of_rows(at::Tensor logits, const at::Tensor& labels, double scale, bool wants_gradient,
                  at::Tensor losses, const at::Tensor& correct) {
  const at::Tensor column = labels.unsqueeze(1);
  if (correct.defined()) correct.copy_(logits.argmax(1).eq(labels));
  const at::Tensor label_logits = logits.gather(1, column);
  const at::Tensor largest = logits.amax(1, /*keepdim=*/true);
  logits.sub_(largest).exp_();
  const at::Tensor sum = logits.sum(1, /*keepdim=*/true);
  losses.copy_((sum.log() + largest - label_logits).squeeze(1));
  if (!wants_gradient) return;
  logits.mul_(sum.reciprocal().mul_(scale));
  logits.scatter_add_(1, column, at::full_like(label_logits, -scale));
}

/// The same on CPU loops: a row stays in the core's cache over all passes.
void loss_of_rows_on_loops(const at::Tensor& logits, const at::Tensor& labels, double scale,
                           bool wants_gradient, const at::Tensor& losses,
                           const at::Tensor& correct) {
  const std::int64_t vocabulary = logits.size(1);
  float* rows = logits.mutable_data_ptr<float>();
  const std::int64_t* label_of = labels.const_data_ptr<std::int64_t>();
  float* loss_of = losses.mutable_data_ptr<float>();
  std::int64_t* correct_of = correct.defined() ? correct.mutable_data_ptr<std::int64_t>() : nullptr;
  const std::int64_t grain = std::max<std::int64_t>(1, kGrain / vocabulary);
  parallel_for(logits.size(0), grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      float* values = rows + row * vocabulary;
      if (correct_of != nullptr) {
        correct_of[row] = kernels::cpu::greatest_of_row(values, vocabulary) == label_of[row];
      }
      loss_of[row] = kernels::cpu::cross_entropy_row(
          values, vocabulary, label_of[row], wants_gradient ? static_cast<float>(scale) : 0.0f);
    }
  });
}

#ifdef PARADIGM_WITH_CUDA
/// The same in one kernel, in place of logits of any floating type.
void loss_of_rows_on_cuda(const at::Tensor& logits, const at::Tensor& labels, double scale,
                          bool wants_gradient, const at::Tensor& losses,
                          const at::Tensor& correct) {
  const c10::DeviceGuard guard(logits.device());
  kernels::cuda::cross_entropy_rows(
      logits.mutable_data_ptr(), element_type_of(logits), logits.size(0), logits.size(1),
      labels.const_data_ptr<std::int64_t>(), wants_gradient ? static_cast<float>(scale) : 0.0f,
      losses.mutable_data_ptr<float>(),
      correct.defined() ? correct.mutable_data_ptr<std::int64_t>() : nullptr,
      current_stream(logits));
}
#endif

void loss_of_chunk(const at::Tensor& logits, const at::Tensor& labels, double scale,
                   bool wants_gradient, const at::Tensor& losses, const at::Tensor& correct) {
#ifdef PARADIGM_WITH_CUDA
  if (runs_on_cuda_rows(logits)) {
    loss_of_rows_on_cuda(logits, labels.contiguous(), scale, wants_gradient, losses, correct);
    return;
  }
#endif
  if (logits.is_cpu()) {
    loss_of_rows_on_loops(logits, labels.contiguous(), scale, wants_gradient, losses, correct);
  } else {
    loss_of_rows(logits, labels, scale, wants_gradient, losses, correct);
  }
}

/// What both forms return: scale times the sum of the losses, and where `correct` is counted its
/// sum, which has no gradient.
variable_list summed(AutogradContext* context, const at::Tensor& losses, const at::Tensor& correct,
                     double scale) {
  at::Tensor loss = losses.sum(at::kDouble).mul_(scale).to(at::kFloat);
  if (!correct.defined()) return {loss};
  const at::Tensor count = correct.sum();
  context->mark_non_differentiable({count});
  return {loss, count};
}

class ChunkedCrossEntropy : public torch::autograd::Function<ChunkedCrossEntropy> {
 public:
  static variable_list forward(AutogradContext* context, const at::Tensor& hidden,
                               const at::Tensor& weight, const at::Tensor& labels, double scale,
                               bool wants_gradient, bool count_correct, std::int64_t chunk,
                               const std::function<void()>* ask) {
    const at::Tensor x = hidden.detach();
    const at::Tensor w = weight.detach().to(x.scalar_type());
    const std::int64_t tokens = x.size(0);
    const bool is_wide = x.scalar_type() == at::kFloat;
    at::Tensor logits = at::empty({chunk, w.size(0)}, x.options());
    at::Tensor losses = at::empty({tokens}, x.options().dtype(at::kFloat));
    at::Tensor correct;
    if (count_correct) correct = at::empty({tokens}, labels.options());
    at::Tensor x_gradient;
    at::Tensor weight_gradient;
    if (wants_gradient) {
      x_gradient = at::empty_like(x);
      weight_gradient = at::empty_like(weight.detach());
    }

    for (std::int64_t begin = 0; begin < tokens; begin += chunk) {
      if (*ask) (*ask)();
      const std::int64_t end = std::min(begin + chunk, tokens);
      const at::Tensor x_chunk = x.slice(0, begin, end);
      at::Tensor product = logits.slice(0, 0, end - begin);
      at::mm_out(product, x_chunk, w.t());
      const bool in_place = is_wide || runs_on_cuda_rows(product);
      const at::Tensor wide = in_place ? product : product.to(at::kFloat);
      loss_of_chunk(wide, labels.slice(0, begin, end), scale, wants_gradient,
                    losses.slice(0, begin, end),
                    correct.defined() ? correct.slice(0, begin, end) : correct);
      if (!wants_gradient) continue;
      if (!in_place) product.copy_(wide);
      at::Tensor x_gradient_chunk = x_gradient.slice(0, begin, end);
      at::mm_out(x_gradient_chunk, product, w);
      if (is_wide) {
        at::addmm_out(weight_gradient, weight_gradient, product.t(), x_chunk,
                      /*beta=*/begin == 0 ? 0 : 1, /*alpha=*/1);
      } else if (product.is_cuda()) {
        at::addmm_out(weight_gradient, weight_gradient, product.t(), x_chunk, at::kFloat,
                      /*beta=*/begin == 0 ? 0 : 1, /*alpha=*/1);
      } else if (begin == 0) {
        weight_gradient.copy_(at::mm(product.t(), x_chunk));
      } else {
        weight_gradient.add_(at::mm(product.t(), x_chunk));
      }
    }

    context->saved_data["x"] = x_gradient;
    context->saved_data["weight"] = weight_gradient;
    return summed(context, losses, correct, scale);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const at::NoGradGuard no_grad;
    variable_list results(8);
    // Taken out of the context, so that the weight's gradient can become its .grad without a copy.
    at::Tensor x_gradient = context->saved_data["x"].toTensor();
    at::Tensor weight_gradient = context->saved_data["weight"].toTensor();
    context->saved_data.clear();
    const at::Tensor& outer = gradients[0];
    const bool is_one = outer.is_cpu() && outer.item<float>() == 1.0f;
    if (!is_one) {
      x_gradient.mul_(outer);
      weight_gradient.mul_(outer);
    }
    results[0] = std::move(x_gradient);
    results[1] = std::move(weight_gradient);
    return results;
  }
};

class CrossEntropyOfLogits : public torch::autograd::Function<CrossEntropyOfLogits> {
 public:
  static variable_list forward(AutogradContext* context, const at::Tensor& logits,
                               const at::Tensor& labels, double scale, bool wants_gradient,
                               bool count_correct) {
    const at::Tensor source = logits.detach();
    const std::int64_t rows = source.size(0);
    const std::int64_t predicted = labels.size(1);
    at::Tensor losses = at::empty({rows, predicted}, source.options().dtype(at::kFloat));
    at::Tensor correct;
    if (count_correct) correct = at::empty({rows, predicted}, labels.options());
    at::Tensor gradient;
    if (wants_gradient) gradient = at::empty_like(source);

    for (std::int64_t row = 0; row < rows; ++row) {
      const at::Tensor wide =
          source[row].slice(0, 0, predicted).to(at::kFloat, /*non_blocking=*/false, /*copy=*/true);
      loss_of_chunk(wide, labels[row], scale, wants_gradient, losses[row],
                    correct.defined() ? correct[row] : correct);
      if (!wants_gradient) continue;
      gradient[row].slice(0, 0, predicted).copy_(wide);
      gradient[row].slice(0, predicted).zero_();
    }

    context->saved_data["logits"] = gradient;
    return summed(context, losses, correct, scale);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const at::NoGradGuard no_grad;
    variable_list results(5);
    results[0] = context->saved_data["logits"].toTensor() * gradients[0];
    context->saved_data.clear();
    return results;
  }
};

TokenLoss token_loss(const variable_list& results, std::int64_t tokens) {
  return {.loss = results[0],
          .correct = results.size() > 1 ? results[1] : at::Tensor(),
          .tokens = tokens};
}

}  // namespace

TokenLoss chunked_cross_entropy(const at::Tensor& hidden, const at::Tensor& weight,
                                const at::Tensor& labels, double scale, bool count_correct,
                                std::int64_t chunk_tokens, const std::function<void()>& ask) {
  std::int64_t chunk = chunk_tokens > 0
                           ? std::min(chunk_tokens, hidden.size(0))
                           : chosen_chunk(hidden.size(0), weight.size(0), hidden.is_cpu());
  if (ask && hidden.is_cpu()) {
    const std::int64_t rows = kAskedFlops / (2 * weight.size(0) * weight.size(1));
    chunk = std::min(chunk, std::max<std::int64_t>(64, rows));
  }
  const bool wants_gradient =
      at::GradMode::is_enabled() && (hidden.requires_grad() || weight.requires_grad());
  const variable_list results = ChunkedCrossEntropy::apply(
      hidden, weight, labels, scale, wants_gradient, count_correct, chunk, &ask);
  return token_loss(results, hidden.size(0));
}

TokenLoss cross_entropy_of_logits(const at::Tensor& logits, const at::Tensor& labels, double scale,
                                  bool count_correct) {
  const bool wants_gradient = at::GradMode::is_enabled() && logits.requires_grad();
  const variable_list results =
      CrossEntropyOfLogits::apply(logits, labels, scale, wants_gradient, count_correct);
  return token_loss(results, labels.numel());
}

TokenLoss next_token_loss(Llama& model, const at::Tensor& ids, const ForwardContext& context,
                          double scale, bool count_correct, const std::function<void()>& ask) {
  const at::Tensor labels = ids.slice(1, 1);
  const at::Tensor hidden = model.hidden_states(ids, context);
  LinearLayer& head = *model.lm_head();
  if (!head.computes_plainly() || head.bias().defined()) {
    return cross_entropy_of_logits(head.forward(hidden, context), labels, scale, count_correct);
  }
  const std::int64_t predicted = ids.size(1) - 1;
  return chunked_cross_entropy(hidden.slice(1, 0, predicted).reshape({-1, hidden.size(2)}),
                               head.weight(), labels.reshape({-1}), scale, count_correct,
                               /*chunk_tokens=*/0, ask);
}

}  // namespace engine
