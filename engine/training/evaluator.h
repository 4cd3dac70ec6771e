// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/data/token_dataset.h"
#include "engine/model/llama.h"

#include <cstdint>
#include <functional>
#include <vector>

namespace engine {

struct EvaluationRange {
  std::int64_t first_block = 0;
  std::int64_t blocks = 0;
  std::int64_t batch_size = 8;
  std::int64_t first_sequence = 0;  ///< index of first_block in what is measured: enters the noise
};

struct EvaluationOptions {
  c10::ScalarType compute_dtype = c10::ScalarType::Float;
  std::int64_t step = 0;  ///< optimizer step of the weights: enters the noise
  /// Called between the parts of a large plain head's product; what it throws ends the pass.
  std::function<void()> ask = {};
};

struct Measurement {
  double loss = 0;      ///< mean cross-entropy over all predicted tokens
  double accuracy = 0;  ///< share of tokens whose label is the argmax
  std::int64_t tokens = 0;
  double seconds = 0;

  double perplexity() const;
};

/// Called after every batch with blocks done; false cancels with an Error.
using EvaluationProgress = std::function<bool(std::int64_t done, std::int64_t total)>;

/// Measures blocks of `data` in the order of the text. Changes no state of the model.
Measurement measure(Llama& model, const TokenDataset& data, const EvaluationRange& range,
                    const EvaluationOptions& options, const EvaluationProgress& on_progress = {});

/// The batch with this index, from 0, of a range.
EvaluationRange batch_of(const EvaluationRange& range, std::int64_t batch);

/// Mean cross-entropy of every batch by itself, in order. Changes no state of the model.
std::vector<double> batch_losses(Llama& model, const TokenDataset& data,
                                 const EvaluationRange& range, const EvaluationOptions& options,
                                 const EvaluationProgress& on_progress = {});

/// The ids of `count` blocks from `first` on, [count, block_size] int64 on the host.
at::Tensor blocks_of(const TokenDataset& data, std::int64_t first, std::int64_t count);

/// Forward passes without gradient in which simulated layers observe their ranges, quantisers off.
void calibrate(Llama& model, const TokenDataset& data, const EvaluationRange& range,
               const EvaluationOptions& options, const EvaluationProgress& on_progress = {});

}  // namespace engine
