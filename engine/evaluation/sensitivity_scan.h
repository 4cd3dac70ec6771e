// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/evaluation/trial_subject.h"

namespace engine {

/// TransformTrial::scan on a loaded subject. `model_digest` is of the checkpoint's files.
ScanResult sensitivity_scan(TrialSubject& subject, const TrialConfig& config,
                            const std::string& model_digest,
                            const std::optional<TransformText>& transform,
                            const ScanOptions& options, const ProgressFunction& on_progress);

/// Digest of what a checkpoint folder computes: its configuration, weights and recorded state.
std::string model_digest(const std::filesystem::path& folder, const ProgressFunction& on_progress);

}  // namespace engine
