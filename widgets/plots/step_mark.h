// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>

namespace widgets {

enum class MarkKind { checkpoint, evaluation, resume, message, divergence, extension };

/// Something that happened at a position of the x axis.
struct StepMark {
  double step = 0;
  QString text;
  MarkKind kind = MarkKind::checkpoint;

  bool operator==(const StepMark&) const = default;
};

}  // namespace widgets
