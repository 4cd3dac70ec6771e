// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/device/step_profile.h"

#include <torch/csrc/autograd/profiler_kineto.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <utility>

namespace engine {
namespace {

namespace profiler = torch::autograd::profiler;
using torch::profiler::impl::ActivityType;

struct Kind {
  const char* name;
  std::vector<const char*> parts;  ///< of names; the first kind with a match wins
};

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all = {
      {"attention",
       {"flash", "fmha", "sdpa", "cudnn_generated", "attention", "delta_kernel", "forward_kernel",
        "query_gradient", "key_gradient", "score_range", "score_code", "context_kernel",
        "sum_heads"}},
      {"matmul",
       {"gemm", "nvjet", "cutlass", "xmma", "splitK", "aten::mm", "aten::addmm", "aten::bmm",
        "aten::linear", "cublas"}},
      {"cross-entropy", {"cross_entropy", "CrossEntropy"}},
      {"optimizer", {"multi_tensor", "adam", "Adam", "foreach", "NormTwo"}},
      {"norm", {"rms_norm", "RmsNorm"}},
      {"rotary", {"rotary", "Rotary", "rotate_kernel", "heads_kernel"}},
      {"swiglu", {"swiglu", "Swiglu"}},
      {"read-out", {"read_out"}},
      {"quantise", {"quantise", "encode_"}},
      {"ranges", {"observe", "store_range", "update_range", "clear_kernel", "histogram"}},
      {"bit flips", {"flip", "toggle", "Flipped"}},
      {"noise", {"uniform", "normal_noise"}},
      {"embedding", {"embedding"}},
      {"copy and cast", {"copy", "Memcpy", "Memset", "memcpy", "aten::to", "CatArray"}},
      {"reduce", {"reduce", "aten::sum"}},
      {"elementwise", {"elementwise", "aten::add", "aten::mul", "aten::fill"}}};
  return all;
}

class Sums {
 public:
  void add(const std::string& name, double nanoseconds) {
    KernelTime& sum = by_kind_[kind_of_kernel(name)];
    sum.seconds += nanoseconds * 1e-9;
    ++sum.calls;
  }

  std::vector<KernelTime> sorted() const {
    std::vector<KernelTime> all;
    for (const auto& [kind, sum] : by_kind_) {
      all.push_back({.kind = kind, .seconds = sum.seconds, .calls = sum.calls});
    }
    std::sort(all.begin(), all.end(), [](const KernelTime& one, const KernelTime& other) {
      return one.seconds > other.seconds;
    });
    return all;
  }

 private:
  std::map<std::string, KernelTime> by_kind_;
};

/// Operators call operators: each one's time goes down by what those take that it calls.
void add_operators(const std::vector<profiler::KinetoEvent>& events, Sums& sums) {
  std::map<std::uint64_t, std::vector<const profiler::KinetoEvent*>> by_thread;
  for (const auto& event : events) by_thread[event.startThreadId()].push_back(&event);
  for (auto& [thread, calls] : by_thread) {
    std::sort(calls.begin(), calls.end(), [](const auto* one, const auto* other) {
      return std::pair(one->startNs(), other->endNs()) < std::pair(other->startNs(), one->endNs());
    });
    std::vector<std::pair<const profiler::KinetoEvent*, double>> open;  // and their own time
    const auto close = [&] {
      sums.add(open.back().first->name(), open.back().second);
      open.pop_back();
    };
    for (const auto* call : calls) {
      while (!open.empty() && open.back().first->endNs() <= call->startNs()) close();
      const auto duration = static_cast<double>(call->durationNs());
      if (!open.empty()) open.back().second -= duration;
      open.emplace_back(call, duration);
    }
    while (!open.empty()) close();
  }
}

}  // namespace

std::string kind_of_kernel(const std::string& name) {
  for (const Kind& kind : kinds()) {
    for (const char* part : kind.parts) {
      if (name.find(part) != std::string::npos) return kind.name;
    }
  }
  return "other";
}

std::vector<KernelTime> profile(c10::Device device, const std::filesystem::path& trace,
                                const std::function<void()>& work) {
  std::set<ActivityType> activities = {ActivityType::CPU};
  if (device.is_cuda()) activities.insert(ActivityType::CUDA);
  const torch::profiler::impl::ProfilerConfig config(torch::profiler::impl::ProfilerState::KINETO);
  profiler::prepareProfiler(config, activities);
  profiler::enableProfiler(config, activities);
  try {
    work();
  } catch (...) {
    profiler::disableProfiler();
    throw;
  }
  const auto result = profiler::disableProfiler();
  if (!trace.empty()) result->save(trace.string());
  Sums sums;
  if (device.is_cuda()) {
    for (const auto& event : result->events()) {
      if (event.deviceType() == c10::DeviceType::CUDA) {
        sums.add(event.name(), static_cast<double>(event.durationNs()));
      }
    }
  } else {
    add_operators(result->events(), sums);
  }
  return sums.sorted();
}

}  // namespace engine
