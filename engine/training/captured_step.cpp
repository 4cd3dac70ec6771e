// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/training/captured_step.h"

#ifdef PARADIGM_WITH_CUDA

#include "engine/training/chunked_cross_entropy.h"
#include "engine/training/optimizer.h"

#include <ATen/core/CachingHostAllocator.h>
#include <ATen/cuda/CUDAGraph.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>

#include <exception>
#include <map>
#include <mutex>
#include <utility>

namespace engine {

namespace {

/// LibTorch's list of captures under way is one for the process.
std::mutex& capture_mutex() {
  static std::mutex mutex;
  return mutex;
}

/// One for each device and for good: LibTorch keeps a work space of cuBLAS for every stream.
c10::cuda::CUDAStream capture_stream(c10::Device device) {
  static std::map<c10::DeviceIndex, c10::cuda::CUDAStream> streams;
  const std::lock_guard lock(capture_mutex());
  const auto found = streams.find(device.index());
  if (found != streams.end()) return found->second;
  const auto stream = c10::cuda::getStreamFromPool(/*isHighPriority=*/false, device.index());
  return streams.emplace(device.index(), stream).first->second;
}

template <typename Work>
bool succeeds(const Work& work) {
  try {
    work();
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace

class GraphMemory {
 public:
  explicit GraphMemory(c10::Device device) : stream_(capture_stream(device)) {}

  /// Around the life of a recording. A pool is gone for LibTorch with the last graph in it.
  void open() {
    if (recordings_++ == 0) pool_ = at::cuda::graph_pool_handle();
  }
  void close() { --recordings_; }

  /// Records what `launch` launches. Blocks that LibTorch keeps in reserve are of no use to a
  /// graph, so they go back first.
  void record(at::cuda::CUDAGraph& graph, const std::function<void()>& launch) const {
    const std::lock_guard lock(capture_mutex());
    c10::cuda::CUDACachingAllocator::emptyCache();
    const c10::cuda::CUDAStreamGuard on_stream(stream_);
    // The backward pass launches from a thread of its own, and others may go on using the device.
    graph.capture_begin(pool_, cudaStreamCaptureModeThreadLocal);
    try {
      launch();
      graph.capture_end();
    } catch (...) {
      const std::exception_ptr reason = std::current_exception();
      abandon(graph);
      std::rethrow_exception(reason);
    }
  }

 private:
  /// Wherever it failed, no allocator may go on serving the capture.
  void abandon(at::cuda::CUDAGraph& graph) const {
    namespace allocator = c10::cuda::CUDACachingAllocator;
    const c10::DeviceIndex device = stream_.device_index();
    at::HostAllocator& host = *at::getHostAllocator(at::kCUDA);
    succeeds([&] { graph.capture_end(); });
    if (succeeds([&] { allocator::endAllocateToPool(device, pool_); })) {
      succeeds([&] { allocator::releasePool(device, pool_); });
    }
    if (succeeds([&] { host.end_allocate_to_pool(pool_); })) {
      succeeds([&] { host.release_pool(pool_); });
    }
    succeeds([&] { graph.reset(); });
  }

  c10::cuda::CUDAStream stream_;
  at::cuda::MempoolId_t pool_{};
  std::int64_t recordings_ = 0;
};

std::shared_ptr<GraphMemory> graph_memory(c10::Device device) {
  return device.is_cuda() ? std::make_shared<GraphMemory>(device) : nullptr;
}

namespace {

/// The same memory, not owned.
at::Tensor unowned(const at::Tensor& tensor) {
  return at::from_blob(tensor.mutable_data_ptr(), tensor.sizes(), tensor.strides(),
                       tensor.options());
}

}  // namespace

/// A graph, and where it leaves the gradients. The graphs keep that memory: an owner would keep it
/// from all other recordings too.
struct RecordedPass {
  at::cuda::CUDAGraph graph;
  std::vector<at::Tensor> gradients;
};

class CapturedStep::Recording {
 public:
  Recording(std::shared_ptr<GraphMemory> graph_memory, Llama& model, const CapturedShape& what,
            std::int64_t step)
      : shape(what),
        memory_(std::move(graph_memory)),
        parameters_(model.parameters()),
        ids_(at::empty({what.rows, what.block},
                       at::TensorOptions().dtype(at::kLong).device(model.device()))),
        clock_(at::zeros({2}, ids_.options().dtype(at::kInt))),
        loss_(at::zeros({}, ids_.options().dtype(at::kFloat))) {
    const c10::cuda::CUDAGuard guard(model.device());
    const auto predicted = static_cast<double>(what.micro_batches * what.rows * (what.block - 1));
    ForwardContext context{
        .phase = Phase::train,
        .compute_dtype = what.compute_dtype,
        .step = step,
        .checkpointing = what.checkpointing,
        .clock = reinterpret_cast<const kernels::NoiseTime*>(clock_.const_data_ptr<int>())};
    const auto pass = [&](bool is_first) {
      const TokenLoss part = next_token_loss(model, ids_, context, 1.0 / predicted);
      part.loss.backward();
      is_first ? loss_.copy_(part.loss.detach()) : loss_.add_(part.loss.detach());
    };
    zero_gradients(parameters_);
    memory_->open();
    const std::int64_t reserved = reserved_bytes();
    try {
      record(first_, [&] { pass(true); });
      if (what.micro_batches > 1) record(next_, [&] { pass(false); });
      if (what.is_sampled) {
        const bool is_first = what.micro_batches == 1;
        if (is_first) zero_gradients(parameters_);
        context.measure = context.measure_gradient = true;
        record(measuring_, [&] { pass(is_first); });
      }
    } catch (...) {
      zero_gradients(parameters_);
      memory_->close();
      throw;
    }
    zero_gradients(parameters_);
    bytes_ = reserved_bytes() - reserved;
  }

  ~Recording() {
    memory_->close();
    for (const RecordedPass* pass : {&first_, &next_, &measuring_}) {
      for (std::size_t i = 0; i < pass->gradients.size(); ++i) {
        at::Tensor& gradient = parameters_[i].tensor.mutable_grad();
        if (gradient.is_same(pass->gradients[i])) gradient.reset();
      }
    }
  }

  at::Tensor run(std::int64_t step, const std::vector<at::Tensor>& micro_batches, BatchStage& stage,
                 bool measures, const std::function<void()>& before_micro_batch) {
    const c10::cuda::CUDAGuard guard(ids_.device());
    clock_[0].fill_(step);
    RecordedPass* pass = &first_;
    for (std::size_t micro_step = 0; micro_step < micro_batches.size(); ++micro_step) {
      if (before_micro_batch) before_micro_batch();
      ids_.copy_(stage.on_device(micro_batches[micro_step]));
      clock_[1].fill_(static_cast<std::int64_t>(micro_step));
      if (micro_step > 0) pass = &next_;
      if (measures && micro_step + 1 == micro_batches.size()) pass = &measuring_;
      pass->graph.replay();
    }
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      parameters_[i].tensor.mutable_grad() = pass->gradients[i];
    }
    return loss_;
  }

  bool leaves_room() const {
    const c10::cuda::CUDAGuard guard(ids_.device());
    c10::cuda::CUDACachingAllocator::emptyCache();
    std::size_t free = 0, total = 0;
    C10_CUDA_CHECK(cudaMemGetInfo(&free, &total));
    return static_cast<std::int64_t>(free) > bytes_;
  }

  const CapturedShape shape;

 private:
  void record(RecordedPass& pass, const std::function<void()>& launch) {
    memory_->record(pass.graph, launch);
    for (const Parameter& parameter : parameters_) {
      pass.gradients.push_back(unowned(parameter.tensor.grad()));
    }
  }

  std::int64_t reserved_bytes() const {
    return c10::cuda::CUDACachingAllocator::getDeviceStats(ids_.device().index())
        .reserved_bytes[0]
        .current;
  }

  std::int64_t bytes_ = 0;  // that the recording took
  std::shared_ptr<GraphMemory> memory_;
  std::vector<Parameter> parameters_;
  at::Tensor ids_;
  at::Tensor clock_;  // kernels::NoiseTime
  at::Tensor loss_;
  RecordedPass first_;      // sets the gradients
  RecordedPass next_;       // adds to them
  RecordedPass measuring_;  // the last one of a sampled step
};

}  // namespace engine

#else

namespace engine {

class GraphMemory {};

std::shared_ptr<GraphMemory> graph_memory(c10::Device) { return nullptr; }

class CapturedStep::Recording {
 public:
  Recording(std::shared_ptr<GraphMemory>, Llama&, const CapturedShape& what, std::int64_t)
      : shape(what) {}
  at::Tensor run(std::int64_t, const std::vector<at::Tensor>&, BatchStage&, bool,
                 const std::function<void()>&) {
    return {};
  }
  bool leaves_room() const { return true; }
  const CapturedShape shape;
};

}  // namespace engine

#endif

namespace engine {

CapturedStep::CapturedStep(std::shared_ptr<GraphMemory> memory, Llama& model,
                           const CapturedShape& shape, std::int64_t step)
    : recording_(std::make_unique<Recording>(std::move(memory), model, shape, step)) {}

CapturedStep::~CapturedStep() = default;

const CapturedShape& CapturedStep::shape() const { return recording_->shape; }

bool CapturedStep::leaves_room() const { return recording_->leaves_room(); }

at::Tensor CapturedStep::run(std::int64_t step, const std::vector<at::Tensor>& micro_batches,
                             BatchStage& stage, bool measures,
                             const std::function<void()>& before_micro_batch) {
  return recording_->run(step, micro_batches, stage, measures, before_micro_batch);
}

}  // namespace engine
