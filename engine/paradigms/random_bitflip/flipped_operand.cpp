// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/paradigms/random_bitflip/flipped_operand.h"

#include "engine/device/current_stream.h"
#include "engine/device/element_type.h"
#include "engine/device/parallel_for.h"
#include "engine/paradigms/random_bitflip/zero_bits.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <c10/core/DeviceGuard.h>

#include <atomic>
#include <cstddef>
#include <mutex>
#include <utility>

namespace engine::random_bitflip {
namespace {

using kernels::FlipCounts;

constexpr std::int64_t kGrain = 1 << 16;  // elements: about 10 microseconds of work

/// Device memory, or null.
FlipCounts* counts_of(const at::Tensor& counts) {
  if (!counts.defined()) return nullptr;
  return reinterpret_cast<FlipCounts*>(counts.mutable_data_ptr<std::int64_t>());
}

const std::byte* bytes_of(const at::Tensor& tensor) {
  return static_cast<const std::byte*>(tensor.const_data_ptr());
}

/// The memory of a tensor whose values are put back before anybody looks. Not mutable_data_ptr():
/// that would be a change in autograd's eyes.
std::byte* borrowed_bytes(const at::Tensor& tensor) {
  return const_cast<std::byte*>(bytes_of(tensor));
}

/// Adds up the counts of pieces that run on several threads.
class SharedCounts {
 public:
  explicit SharedCounts(FlipCounts* total) : total_(total) {}
  bool wanted() const { return total_ != nullptr; }
  void add(const FlipCounts& counts) {
    if (!wanted()) return;
    const std::lock_guard lock(mutex_);
    kernels::add(*total_, counts);
  }

 private:
  FlipCounts* total_;
  std::mutex mutex_;
};

}  // namespace

static_assert(sizeof(FlipCounts) == 4 * sizeof(std::int64_t));

at::Tensor empty_counts(const at::Tensor& tensor) {
  return at::zeros({4}, tensor.options().dtype(at::kLong).requires_grad(false));
}

FlippedOperand::FlippedOperand(const at::Tensor& source, const OperandFlips& flips,
                               c10::ScalarType compute_dtype, const at::Tensor& counts,
                               FlipMemory memory)
    : source_(source.detach().contiguous()), flips_(flips), memory_(std::move(memory)) {
  if (flips.is_exact) {
    values_ = source_.to(compute_dtype);
    return;
  }
  values_ = source_;
  const bool is_stored_so =
      source_.scalar_type() == compute_dtype && element_type_of(source_) == flips.how.storage;
  if (source_.is_cpu()) {
    if (is_stored_so && kernels::cpu::can_flip_in_place(flips.how) &&
        flip_on_cpu_in_place(counts)) {
      return;
    }
    values_ = at::empty(source_.sizes(), source_.options().dtype(compute_dtype));
    flip_on_cpu(counts);
    return;
  }
  if (memory_.values.defined()) {
    values_ = memory_.values;
    return;
  }
  is_toggled_ = is_stored_so && !flips.how.zeroes() && !counts.defined();
  if (!is_toggled_) values_ = at::empty(source_.sizes(), source_.options().dtype(compute_dtype));
  flip_on_device(counts);
  if (!is_toggled_) memory_.values = values_;
}

bool FlippedOperand::flip_on_cpu_in_place(const at::Tensor& counts) {
  std::byte* const data = borrowed_bytes(source_);
  const std::int64_t element = source_.element_size();
  std::atomic<bool> stayed_rare = true;
  FlipCounts total;
  SharedCounts shared(counts_of(counts) == nullptr ? nullptr : &total);
  std::mutex mutex;
  const auto flip_piece = [&](std::int64_t begin, std::int64_t end) {
    kernels::cpu::FlipLog log;
    FlipCounts of_piece;
    if (!kernels::cpu::flip_in_place(data + begin * element, end - begin, flips_.how.at(begin), log,
                                     shared.wanted() ? &of_piece : nullptr)) {
      stayed_rare = false;
      return;
    }
    shared.add(of_piece);
    const std::lock_guard lock(mutex);
    try {
      logs_.emplace_back(begin, kernels::cpu::FlipLog());
    } catch (...) {  // no memory: the caller restores what is in logs_, which this piece is not
      kernels::cpu::restore(data + begin * element, flips_.how.storage, log);
      throw;
    }
    logs_.back().second = std::move(log);
  };
  try {
    parallel_for(source_.numel(), kGrain, flip_piece);
  } catch (...) {
    restore_on_cpu();
    throw;
  }
  if (stayed_rare) {
    if (counts.defined()) kernels::add(*counts_of(counts), total);
    return true;
  }
  restore_on_cpu();
  return false;
}

void FlippedOperand::flip_on_cpu(const at::Tensor& counts) {
  const std::byte* const x = bytes_of(source_);
  auto* const y = static_cast<std::byte*>(values_.mutable_data_ptr());
  SharedCounts shared(counts_of(counts));
  parallel_for(source_.numel(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    FlipCounts of_piece;
    kernels::cpu::flip(x + begin * source_.element_size(), element_type_of(source_), end - begin,
                       flips_.how.at(begin), y + begin * values_.element_size(),
                       element_type_of(values_), shared.wanted() ? &of_piece : nullptr);
    shared.add(of_piece);
  });
}

void FlippedOperand::flip_on_device([[maybe_unused]] const at::Tensor& counts) {
#ifdef PARADIGM_WITH_CUDA
  const c10::DeviceGuard guard(source_.device());
  if (is_toggled_) {
    kernels::cuda::toggle(borrowed_bytes(source_), source_.numel(), flips_.how,
                          current_stream(source_));
  } else {
    if (flips_.how.zeroes()) memory_.zeroed = empty_zero_bits(source_, flips_.how);
    kernels::cuda::flip(source_.const_data_ptr(), element_type_of(source_), source_.numel(),
                        flips_.how, values_.mutable_data_ptr(), element_type_of(values_),
                        counts_of(counts), current_stream(source_), zero_bits_of(memory_.zeroed));
  }
#endif
}

void FlippedOperand::restore_on_cpu() {
  for (const auto& [begin, log] : logs_) {
    kernels::cpu::restore(borrowed_bytes(source_) + begin * source_.element_size(),
                          flips_.how.storage, log);
  }
  logs_.clear();
}

FlippedOperand::~FlippedOperand() {
  restore_on_cpu();
  if (!is_toggled_) return;
  try {
    flip_on_device(at::Tensor());
  } catch (...) {  // a launch fails only after an error of the device, which ends the run anyway
  }
}

void FlippedOperand::stop(const at::Tensor& gradient) const {
  if (!flips_.stops_gradient()) return;
  auto* const g = static_cast<std::byte*>(gradient.mutable_data_ptr());
  if (!logs_.empty()) {
    for (const auto& [begin, log] : logs_) {
      kernels::cpu::stop_gradient(g + begin * gradient.element_size(), element_type_of(gradient),
                                  log);
    }
    return;
  }
  if (source_.is_cpu()) {
    const std::byte* const x = bytes_of(source_);
    parallel_for(source_.numel(), kGrain, [&](std::int64_t begin, std::int64_t end) {
      kernels::cpu::stop_gradient(x + begin * source_.element_size(), element_type_of(source_),
                                  end - begin, flips_.how.at(begin),
                                  g + begin * gradient.element_size(), element_type_of(gradient));
    });
    return;
  }
#ifdef PARADIGM_WITH_CUDA
  const c10::DeviceGuard guard(source_.device());
  kernels::cuda::stop_gradient(zero_bits_of(memory_.zeroed), source_.numel(),
                               flips_.how.first_element, g, element_type_of(gradient),
                               current_stream(source_));
#endif
}

}  // namespace engine::random_bitflip
