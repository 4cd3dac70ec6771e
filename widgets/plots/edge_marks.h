// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/plots/custom_plot.h"

#include <QColor>

#include <vector>

namespace widgets {

/// A value above or below the view.
struct OutsideValue {
  double x = 0;
  double y = 0;
  QColor color;

  bool operator==(const OutsideValue&) const = default;
};

/// Triangles at the upper and lower edge of a plot where values leave it, the farthest one each
/// with its number: an outlier is seen though it does not squash the curve.
class EdgeMarks : public QCPAbstractItem {
 public:
  EdgeMarks(QCustomPlot* plot, const QWidget* owner);

  /// Returns whether they are others than before.
  bool setValues(std::vector<OutsideValue> values);
  int count() const { return static_cast<int>(values_.size()); }

  double selectTest(const QPointF&, bool, QVariant*) const override { return -1; }

 protected:
  void draw(QCPPainter* painter) override;

 private:
  const QWidget* owner_;
  std::vector<OutsideValue> values_;
};

}  // namespace widgets
