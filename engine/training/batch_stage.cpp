// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/training/batch_stage.h"

#include "engine/device/pinned_memory.h"

#ifdef PARADIGM_TORCH_CUDA
#include <ATen/cuda/CUDAEvent.h>
#include <ATen/ops/empty.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#endif

namespace engine {

#ifdef PARADIGM_TORCH_CUDA

/// Memory for one batch on both sides, and when it may be written again.
class BatchStage::Lane {
 public:
  Lane(const at::Tensor& ids, at::Device device, const c10::cuda::CUDAStream& stream)
      : stream_(stream),
        host_(pinned_for(ids.sizes(), at::kLong, device)),
        ids_(at::empty(ids.sizes(), at::TensorOptions().dtype(at::kLong).device(device))) {
    // Memory may still be in use by work in the current stream, whose it was before.
    released();
  }

  bool fits(const at::Tensor& ids) const { return ids.sizes() == ids_.sizes(); }
  const c10::cuda::CUDAStream& stream() const { return stream_; }

  /// The work that reads the batch is in the current stream.
  void released() { is_free_.record(c10::cuda::getCurrentCUDAStream(ids_.get_device())); }

  at::Tensor fill(const at::Tensor& ids) {
    is_copied_.synchronize();  // of the batch two before: over long ago
    host_.copy_(ids);
    is_free_.block(stream_);
    {
      const c10::cuda::CUDAStreamGuard guard(stream_);
      ids_.copy_(host_, /*non_blocking=*/true);
    }
    is_copied_.record(stream_);
    is_copied_.block(c10::cuda::getCurrentCUDAStream(ids_.get_device()));
    return ids_;
  }

 private:
  c10::cuda::CUDAStream stream_;
  at::Tensor host_;
  at::Tensor ids_;
  at::cuda::CUDAEvent is_free_, is_copied_;
};

BatchStage::BatchStage(at::Device device) : device_(device) {}
BatchStage::~BatchStage() = default;

at::Tensor BatchStage::on_device(const at::Tensor& ids) {
  if (!device_.is_cuda()) return ids.to(device_);
  const c10::cuda::CUDAGuard guard(device_);
  std::unique_ptr<Lane>& lane = lanes_[next_];
  next_ = 1 - next_;
  std::unique_ptr<Lane>& before = lanes_[next_];
  if (before) before->released();
  if (!lane || !lane->fits(ids)) {
    const auto stream =
        before ? before->stream()
               : c10::cuda::getStreamFromPool(/*isHighPriority=*/false, device_.index());
    lane = std::make_unique<Lane>(ids, device_, stream);
  }
  return lane->fill(ids);
}

#else

class BatchStage::Lane {};
BatchStage::BatchStage(at::Device device) : device_(device) {}
BatchStage::~BatchStage() = default;
at::Tensor BatchStage::on_device(const at::Tensor& ids) { return ids.to(device_); }

#endif

}  // namespace engine
