// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/evaluation/transform_trial.h"

#include "engine/device/computing_errors.h"
#include "engine/evaluation/sensitivity_scan.h"
#include "engine/evaluation/try_transform.h"

#include <string>

namespace engine {
namespace {

constexpr const char* kFailed = "trial-failed";

class LoadedTrial final : public TransformTrial {
 public:
  LoadedTrial(const TrialConfig& config, const ProgressFunction& on_progress)
      : config_(config), subject_(config, on_progress) {}

  TrialResult try_transform(const std::optional<TransformText>& transform,
                            const TryOptions& options, const TrialProgress& on_progress) override {
    return with_errors_as(
        kFailed, [&] { return engine::try_transform(subject_, transform, options, on_progress); });
  }

  ScanResult scan(const std::optional<TransformText>& transform, const ScanOptions& options,
                  const TrialProgress& on_progress) override {
    return with_errors_as(kFailed, [&] {
      if (model_digest_.empty())
        model_digest_ = model_digest(subject_.loaded().source.directory, on_progress);
      return sensitivity_scan(subject_, config_, model_digest_, transform, options, on_progress);
    });
  }

 private:
  TrialConfig config_;
  TrialSubject subject_;
  std::string model_digest_;
};

}  // namespace

std::unique_ptr<TransformTrial> open_trial(const TrialConfig& config,
                                           const ProgressFunction& on_progress) {
  return with_errors_as(kFailed, [&]() -> std::unique_ptr<TransformTrial> {
    return std::make_unique<LoadedTrial>(config, on_progress);
  });
}

}  // namespace engine
