// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/plots/custom_plot.h"
#include "widgets/plots/step_mark.h"

#include <vector>

namespace widgets {

/// Marks along the foot of a plot, one shape a kind, and a dotted line above those that change the
/// run. However many there are, each kind draws at most one in five pixels.
class EventMarks : public QCPAbstractItem {
 public:
  EventMarks(QCustomPlot* plot, const QWidget* owner);

  /// Ascending by step.
  void setMarks(std::vector<StepMark> marks);
  const std::vector<StepMark>& marks() const { return marks_; }
  /// Those within a few pixels of an x position of the plot.
  std::vector<const StepMark*> near(double pixel) const;
  /// The first mark beyond x in that direction, or null.
  const StepMark* next(double x, bool forward) const;

  double selectTest(const QPointF&, bool, QVariant*) const override { return -1; }

 protected:
  void draw(QCPPainter* painter) override;

 private:
  const QWidget* owner_;
  std::vector<StepMark> marks_;
};

}  // namespace widgets
