// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/api.h"
#include "engine/error.h"
#include "engine/training/evaluator.h"

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

namespace engine {

/// Tells how far a whole piece of work is while its parts count their own blocks.
class StagedProgress {
 public:
  /// `report` may be empty and must outlive it; `total` in blocks.
  StagedProgress(const ProgressFunction& report, std::int64_t total)
      : report_(report), total_(static_cast<double>(total)) {}

  void begin_stage(std::string stage) { stage_ = std::move(stage); }
  /// Blocks that need not be worked through.
  void skip(std::int64_t blocks) { done_ += static_cast<double>(blocks); }

  /// For the part that comes next.
  EvaluationProgress part() {
    if (!report_) return {};
    const double before = done_;
    return [this, before](std::int64_t done, std::int64_t) {
      done_ = before + static_cast<double>(done);
      return report_(stage_, done_, total_);
    };
  }

  /// Says again how far it is; throws Error when the answer is to cancel.
  void check() const {
    if (report_ && !report_(stage_, done_, total_)) fail("cancelled", {}, "cancelled");
  }

 private:
  const ProgressFunction& report_;
  double total_;
  double done_ = 0;
  std::string stage_;
};

}  // namespace engine
