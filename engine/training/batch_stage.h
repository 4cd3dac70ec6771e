// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

namespace engine {

/// Brings batches of ids to the device ahead of the work that reads them: on CUDA by a stream of
/// its own, while the device still computes with the batch before.
class BatchStage {
 public:
  explicit BatchStage(at::Device device);
  ~BatchStage();
  BatchStage(const BatchStage&) = delete;
  BatchStage& operator=(const BatchStage&) = delete;

  /// `ids`, int64 on the CPU, on the device, for work in the current stream. Valid until the call
  /// after the next one.
  at::Tensor on_device(const at::Tensor& ids);

 private:
  class Lane;
  at::Device device_;
  std::unique_ptr<Lane> lanes_[2];
  int next_ = 0;
};

}  // namespace engine
