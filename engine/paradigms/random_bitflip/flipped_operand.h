// SPDX-License-Identifier: GPL-3.0-or-later
// The binding: a tensor in, its flipped values out. Everything here is without gradient.
#pragma once

#include "kernels/bit_flip/bit_flip.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <utility>
#include <vector>

namespace engine::random_bitflip {

/// What happens to one operand in one forward pass.
struct OperandFlips {
  bool is_exact = true;  ///< nothing: only the compute dtype is asked for
  kernels::BitFlip how;

  bool stops_gradient() const { return !is_exact && how.zeroes(); }
};

/// int64 [4] of zeros beside `tensor`: what a FlippedOperand adds a FlipCounts to.
at::Tensor empty_counts(const at::Tensor& tensor);

/// What a forward pass on CUDA leaves for its backward pass, which then draws nothing again.
struct FlipMemory {
  at::Tensor values;  ///< the flipped copy, of an operand that was copied
  at::Tensor zeroed;  ///< int32: kernels::cuda::ZeroBits of the same; undefined without a threshold
};

/// A tensor as the product sees it. Where the storage format, the compute dtype and the tensor's
/// own are one and flips are rare, the tensor itself is changed and restored in the destructor;
/// until then nobody else may use it. Autograd's version counter does not move, so tensors saved
/// for backward stay valid.
class FlippedOperand {
 public:
  /// `counts` from empty_counts(), or undefined.
  FlippedOperand(const at::Tensor& source, const OperandFlips& flips, c10::ScalarType compute_dtype,
                 const at::Tensor& counts = at::Tensor(), FlipMemory memory = {});
  ~FlippedOperand();
  FlippedOperand(const FlippedOperand&) = delete;
  FlippedOperand& operator=(const FlippedOperand&) = delete;

  /// In the compute dtype, row-major.
  const at::Tensor& values() const { return values_; }

  const FlipMemory& memory() const { return memory_; }

  /// Sets the gradient with respect to the operand, row-major, to 0 where the value was zeroed.
  void stop(const at::Tensor& gradient) const;

 private:
  bool flip_on_cpu_in_place(const at::Tensor& counts);
  void flip_on_cpu(const at::Tensor& counts);
  void restore_on_cpu();
  void flip_on_device(const at::Tensor& counts);

  at::Tensor source_;
  OperandFlips flips_;
  at::Tensor values_;
  bool is_toggled_ = false;
  FlipMemory memory_;
  std::vector<std::pair<std::int64_t, kernels::cpu::FlipLog>> logs_;  // of pieces, by their start
};

}  // namespace engine::random_bitflip
