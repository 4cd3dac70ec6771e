// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/data/token_dataset.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace engine {

/// Where a pass over the blocks stands: all that a resume needs, together with the seed.
struct LoaderPosition {
  std::int64_t epoch = 0;
  std::int64_t consumed = 0;  ///< blocks of that epoch already used, in [0, blocks)
  bool operator==(const LoaderPosition&) const = default;
};

struct BatchLoaderOptions {
  std::uint64_t seed = 42;
  std::int64_t batch_size = 8;    ///< rows of a micro-batch, >= 1
  std::int64_t accumulation = 1;  ///< micro-batches of a step, >= 1
  bool shuffle = true;            ///< false: blocks in the order of the text, every epoch
  std::int64_t prefetch_steps = 2;
  LoaderPosition start{};
};

/// The data of one optimizer step. The last step of an epoch may have fewer micro-batches, and its
/// last micro-batch fewer rows; a step never spans two epochs.
struct StepBatches {
  std::vector<at::Tensor> micro_batches;  ///< int64 ids on the CPU, each [rows, block_size]
  std::int64_t rows = 0;                  ///< of all micro-batches together
  LoaderPosition after;                   ///< where to resume once this step is done
};

/// Endless steps of shuffled blocks: an epoch visits every block once, in an order that depends on
/// (seed, epoch) only. One thread prepares the next steps. `data` must outlive the loader. Members
/// are for one consumer thread.
class BatchLoader {
 public:
  /// Throws Error when `options.start` lies outside `data`, or `data` is empty.
  BatchLoader(const TokenDataset& data, const BatchLoaderOptions& options);
  ~BatchLoader();
  BatchLoader(BatchLoader&&) noexcept;
  BatchLoader& operator=(BatchLoader&&) noexcept;

  /// Blocks until the next step's data is there. Rethrows what went wrong while preparing it.
  StepBatches next();
  /// Behind the last step that next() returned.
  LoaderPosition position() const;
  std::int64_t micro_batches_per_epoch() const;
  /// Calls of next() in a whole epoch.
  std::int64_t steps_per_epoch() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace engine
