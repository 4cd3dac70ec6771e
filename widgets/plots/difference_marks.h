// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <vector>

class QCPAbstractItem;
class QCustomPlot;
class QPalette;

namespace widgets {

struct DifferenceCurve;

/// What a DifferencePlot has behind its curves: the zero line, one noise band, hatched stretches
/// that no curve covers, and dotted lines where curves leave the band.
class DifferenceMarks {
 public:
  explicit DifferenceMarks(QCustomPlot* plot) : plot_(plot) {}

  /// In place of those that are there.
  void place(const std::vector<DifferenceCurve>& curves, const QPalette& palette);

 private:
  template <typename Item>
  Item* add(const char* layer);
  void addBand(const std::vector<DifferenceCurve>& curves, const QPalette& palette);
  void addGaps(const std::vector<DifferenceCurve>& curves, const QPalette& palette);

  QCustomPlot* plot_;
  std::vector<QCPAbstractItem*> items_;
};

}  // namespace widgets
