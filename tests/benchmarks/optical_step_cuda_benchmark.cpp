// SPDX-License-Identifier: GPL-3.0-or-later
// Whole bf16 training steps on a GPU, plain and optical in turn, in one process.
//
//   optical_step_cuda_benchmark [FLAVOUR BATCH SEQUENCE ROUNDS]      default: 60M 12 1024 5
#include "engine/model/clm_family.h"
#include "engine/model/llama_initialise.h"
#include "engine/training/trainer.h"
#include "engine/transform/paradigm.h"
#include "engine/transform/paradigm_info.h"

#include <ATen/ops/randint.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace {

using namespace engine;

constexpr int kStepsARound = 8;

struct Variant {
  const char* name;
  bool linears;
  bool attention;
};

constexpr Variant kVariants[] = {{"plain", false, false},
                                 {"optical Linears", true, false},
                                 {"optical attention", false, true},
                                 {"optical Linears and attention", true, true}};

/// Every Linear but the head, and every attention, as the variant says.
void make_optical(Llama& model, const Variant& variant, c10::Device device) {
  std::shared_ptr<Paradigm> optical;
  for (const auto& paradigm : all_paradigms()) {
    if (paradigm->id() == "optical_transformer") optical = paradigm;
  }
  const std::vector<ParadigmInfo> infos = paradigm_infos();
  const ParadigmInfo* info = find_paradigm(infos, "optical_transformer");
  const auto replace_in = [&](auto& slot, LayerKind kind) {
    const ParamValues values = info->effective_values({}, kind);
    slot.replace([&](auto original) {
      return optical->replace(std::move(original), values, ReplaceContext{42, device});
    });
  };
  if (variant.attention) {
    for (auto* slot : model.attention_slots()) replace_in(*slot, LayerKind::attention);
  }
  if (!variant.linears) return;
  for (auto* slot : model.linear_slots()) {
    if ((*slot)->name() != "lm_head") replace_in(*slot, LayerKind::linear);
  }
}

class Training {
 public:
  Training(const LlamaConfig& config, const Variant& variant, c10::Device device)
      : model_(config, weights_on(device, config)),
        optimizer_(model_.parameters(), {}),
        trainer_(
            model_, optimizer_,
            {.schedule = {.peak = 1e-4, .total_steps = 1000}, .compute_dtype = at::kBFloat16}) {
    make_optical(model_, variant, device);
  }

  /// Seconds of one step, over several.
  double step_time(const at::Tensor& ids) {
    step(ids);
    c10::cuda::device_synchronize();
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < kStepsARound; ++i) step(ids);
    c10::cuda::device_synchronize();
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - begin;
    return passed.count() / kStepsARound;
  }

  double loss() const { return loss_.item<double>(); }

 private:
  static TensorMap weights_on(c10::Device device, const LlamaConfig& config) {
    TensorMap weights = initial_weights(config, 1);
    for (auto& [name, tensor] : weights) tensor = tensor.to(device);
    return weights;
  }

  void step(const at::Tensor& ids) { loss_ = trainer_.step({ids}).loss; }

  Llama model_;
  AdamW optimizer_;
  Trainer trainer_;
  at::Tensor loss_;
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  if (c10::cuda::device_count() == 0) {
    std::printf("no CUDA device: nothing measured\n");
    return 0;
  }
  const std::string flavour = argc > 1 ? argv[1] : "60M";
  const std::int64_t batch = argc > 2 ? std::atoll(argv[2]) : 12;
  const std::int64_t sequence = argc > 3 ? std::atoll(argv[3]) : 1024;
  const int rounds = argc > 4 ? std::atoi(argv[4]) : 5;
  const LlamaConfig config = named_llama_config(flavour);
  const c10::Device device("cuda:0");
  const at::Tensor ids = at::randint(config.vocab_size, {batch, sequence}, at::kLong);

  std::vector<std::unique_ptr<Training>> trainings;
  std::vector<std::vector<double>> seconds(std::size(kVariants));
  std::vector<double> peak(std::size(kVariants));
  for (const Variant& variant : kVariants) {
    trainings.push_back(std::make_unique<Training>(config, variant, device));
  }
  const auto bytes_now = [](bool peak_bytes) {
    const auto stats = c10::cuda::CUDACachingAllocator::getDeviceStats(0).allocated_bytes[0];
    return static_cast<double>(peak_bytes ? stats.peak : stats.current);
  };
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < trainings.size(); ++i) {
      const double before = bytes_now(false);
      c10::cuda::CUDACachingAllocator::resetPeakStats(0);
      seconds[i].push_back(trainings[i]->step_time(ids));
      peak[i] = bytes_now(true) - before;
    }
  }
  std::printf("%s, %lld x %lld, bf16, %d rounds of %d steps; peak: activations and workspace\n",
              flavour.c_str(), static_cast<long long>(batch), static_cast<long long>(sequence),
              rounds, kStepsARound);
  const double plain = median(seconds[0]);
  for (std::size_t i = 0; i < trainings.size(); ++i) {
    const double time = median(seconds[i]);
    const auto [least, most] = std::minmax_element(seconds[i].begin(), seconds[i].end());
    std::printf("%-30s %8.1f ms (%.1f-%.1f) %9.0f tok/s  %5.2fx  %6.2f GB  loss %.3f\n",
                kVariants[i].name, 1e3 * time, 1e3 * *least, 1e3 * *most,
                static_cast<double>(batch * sequence) / time, time / plain, peak[i] / 1e9,
                trainings[i]->loss());
  }
  return 0;
}
