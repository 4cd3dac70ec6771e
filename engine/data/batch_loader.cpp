// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/batch_loader.h"

#include "engine/error.h"

#include <ATen/ops/empty.h>

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

namespace engine {
namespace {

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

}  // namespace

struct BatchLoader::Impl {
  const TokenDataset& data;
  const BatchLoaderOptions options;
  LoaderPosition returned;

  std::mutex mutex;
  std::condition_variable_any changed;
  std::deque<StepBatches> ready;
  std::exception_ptr failure;
  std::jthread thread;

  Impl(const TokenDataset& tokens, const BatchLoaderOptions& wanted)
      : data(tokens), options(wanted), returned(wanted.start) {}

  StepBatches prepare(const LoaderPosition& from) const {
    StepBatches step;
    const BlockOrder order(options.seed, from.epoch, data.blocks());
    std::int64_t position = from.consumed;
    for (std::int64_t i = 0; i < options.accumulation && position < data.blocks(); ++i) {
      const std::int64_t rows = std::min(options.batch_size, data.blocks() - position);
      at::Tensor ids = at::empty({rows, data.block_size()}, at::TensorOptions().dtype(at::kLong));
      auto* out = ids.mutable_data_ptr<std::int64_t>();
      for (std::int64_t row = 0; row < rows; ++row, ++position) {
        data.copy_block(options.shuffle ? order[position] : position,
                        out + row * data.block_size());
      }
      step.rows += rows;
      step.micro_batches.push_back(std::move(ids));
    }
    step.after = position == data.blocks() ? LoaderPosition{from.epoch + 1, 0}
                                           : LoaderPosition{from.epoch, position};
    return step;
  }

  void run(const std::stop_token& stop) {
    LoaderPosition at = options.start;
    const auto limit = static_cast<std::size_t>(std::max<std::int64_t>(1, options.prefetch_steps));
    try {
      while (true) {
        {
          std::unique_lock lock(mutex);
          if (!changed.wait(lock, stop, [&] { return ready.size() < limit; })) return;
        }
        StepBatches step = prepare(at);
        at = step.after;
        const std::lock_guard lock(mutex);
        ready.push_back(std::move(step));
        changed.notify_all();
      }
    } catch (...) {
      const std::lock_guard lock(mutex);
      failure = std::current_exception();
      changed.notify_all();
    }
  }
};

BatchLoader::BatchLoader(const TokenDataset& data, const BatchLoaderOptions& options) {
  if (options.batch_size < 1 || options.accumulation < 1) {
    fail("bad-value", Place{},
         fmt::format("batch size {} and gradient accumulation {} must be at least 1",
                     options.batch_size, options.accumulation));
  }
  if (data.blocks() < 1) fail("no-data", Place{}, "there is no block of tokens to load");
  if (options.start.epoch < 0 || options.start.consumed < 0 ||
      options.start.consumed >= data.blocks()) {
    fail("bad-position", Place{},
         fmt::format("cannot go on behind block {} of epoch {}: the data has {} blocks",
                     options.start.consumed, options.start.epoch, data.blocks()),
         "Resume with the text, tokenizer and block size that the run was started with");
  }
  impl_ = std::make_unique<Impl>(data, options);
  impl_->thread =
      std::jthread([impl = impl_.get()](const std::stop_token& stop) { impl->run(stop); });
}

BatchLoader::~BatchLoader() = default;
BatchLoader::BatchLoader(BatchLoader&&) noexcept = default;
BatchLoader& BatchLoader::operator=(BatchLoader&&) noexcept = default;

StepBatches BatchLoader::next() {
  std::unique_lock lock(impl_->mutex);
  impl_->changed.wait(lock, [&] { return !impl_->ready.empty() || impl_->failure; });
  if (impl_->ready.empty()) std::rethrow_exception(impl_->failure);
  StepBatches step = std::move(impl_->ready.front());
  impl_->ready.pop_front();
  impl_->changed.notify_all();
  impl_->returned = step.after;
  return step;
}

LoaderPosition BatchLoader::position() const { return impl_->returned; }

std::int64_t BatchLoader::micro_batches_per_epoch() const {
  return ceil_div(impl_->data.blocks(), impl_->options.batch_size);
}

std::int64_t BatchLoader::steps_per_epoch() const {
  return ceil_div(micro_batches_per_epoch(), impl_->options.accumulation);
}

}  // namespace engine
