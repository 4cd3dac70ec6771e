// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/evaluation/trial_subject.h"

namespace engine {

/// TransformTrial::try_transform on a loaded subject.
TrialResult try_transform(TrialSubject& subject, const std::optional<TransformText>& transform,
                          const TryOptions& options, const ProgressFunction& on_progress);

}  // namespace engine
