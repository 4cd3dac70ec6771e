// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/checkpoint_saver.h"

#include "engine/checkpoint/saved_checkpoints.h"
#include "engine/device/pinned_memory.h"
#include "engine/memory_limit.h"
#include "engine/training/optimizer.h"

#include <ATen/core/grad_mode.h>
#include <c10/core/Event.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <chrono>
#include <memory>
#include <utility>

namespace engine {
namespace {

using Clock = std::chrono::steady_clock;

/// Makes `host` a copy of `live`; memory of an earlier copy is used again. On CUDA the copies stand
/// in the current stream, before whatever the next step changes.
void copy_all(const NamedTensors& live, NamedTensors& host) {
  bool fits = host.size() == live.size();
  for (std::size_t i = 0; fits && i < live.size(); ++i) {
    fits = host[i].first == live[i].first && host[i].second.sizes() == live[i].second.sizes();
  }
  if (!fits) {
    host.clear();
    for (const auto& [name, tensor] : live) host.emplace_back(name, pinned_like(tensor));
  }
  for (std::size_t i = 0; i < live.size(); ++i) {
    host[i].second.copy_(live[i].second.detach(), /*non_blocking=*/true);
  }
}

/// The host's numbers are there once this returns, called from any thread.
class CopiesMade {
 public:
  explicit CopiesMade(c10::Device device) {
    if (device.is_cpu()) return;
    event_ = std::make_shared<c10::Event>(device.type());
    event_->record(c10::impl::VirtualGuardImpl(device.type()).getStream(device));
  }
  void wait() const {
    if (event_) event_->synchronize();
  }

 private:
  std::shared_ptr<c10::Event> event_;
};

}  // namespace

CheckpointSaver::CheckpointSaver(std::filesystem::path run_dir, const CheckpointFiles& files,
                                 std::optional<std::int64_t> save_total_limit, bool in_background)
    : run_dir_(std::move(run_dir)),
      files_(files),
      limit_(save_total_limit),
      in_background_(in_background) {}

CheckpointSaver::~CheckpointSaver() {
  if (writing_.valid()) writing_.wait();
}

void CheckpointSaver::copy_to_host(const CheckpointState& live) {
  const at::NoGradGuard no_grad;
  copy_all(live.weights, host_.weights);
  copy_all(live.moments, host_.moments);
  copy_all(live.simulation, host_.simulation);
  host_.manifest = live.manifest;
}

void CheckpointSaver::start(Llama& model, const AdamW& optimizer, Manifest manifest, bool at_once) {
  const auto begin = Clock::now();
  step_ = manifest.trainer.step;
  const CheckpointState live = live_state(model, optimizer, std::move(manifest));
  const auto write = [this](const CheckpointState& state) {
    SaveResult saved = write_checkpoint(run_dir_, state, files_);
    rotate_checkpoints(run_dir_, limit_, saved.path);
    return saved;
  };
  const bool has_copy = host_.bytes() == live.bytes();
  const std::int64_t available = available_memory();
  const bool copy_fits = has_copy || available == 0 || live.bytes() < available / 2;
  if (in_background_ && copy_fits && !at_once) {
    copy_to_host(live);
    const CopiesMade copies(model.device());
    writing_ = std::async(std::launch::async, [this, write, copies] {
      copies.wait();
      return write(host_);
    });
  } else {
    std::promise<SaveResult> done;
    writing_ = done.get_future();
    try {
      done.set_value(write(live));
    } catch (...) {
      done.set_exception(std::current_exception());
    }
  }
  stall_seconds_ = std::chrono::duration<double>(Clock::now() - begin).count();
}

std::optional<SavedState> CheckpointSaver::finished() {
  const bool has_ended =
      writing_.valid() && writing_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  return has_ended ? wait() : std::nullopt;
}

std::optional<SavedState> CheckpointSaver::wait() {
  if (!writing_.valid()) return std::nullopt;
  return SavedState{.result = writing_.get(), .step = step_, .stall_seconds = stall_seconds_};
}

}  // namespace engine
