// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/compare/trade_off.h"

#include <QString>
#include <QWidget>

#include <vector>

class QCPItemText;
class QCustomPlot;

namespace widgets {

struct TradeOffMark {
  QString label;
  int look = 0;
  bool baseline = false;
  engine::TradeOffPoint point;
};

/// Results against costs, one glyph a run; the points that nothing beats are joined. Clicking a
/// point names its run.
class TradeOffPlot : public QWidget {
  Q_OBJECT

 public:
  explicit TradeOffPlot(QWidget* parent = nullptr);

  void setMarks(std::vector<TradeOffMark> marks, const QString& cost, const QString& result);
  void setLogarithmicCost(bool logarithmic);
  QCustomPlot* plot() const { return plot_; }

 Q_SIGNALS:
  void runClicked(int run);  ///< TradeOffPoint::run

 protected:
  void changeEvent(QEvent* event) override;
  void showEvent(QShowEvent* event) override;

 private:
  void rebuild();
  void placeLabels();
  const TradeOffMark* nearest(const QPointF& position) const;

  QCustomPlot* plot_;
  std::vector<TradeOffMark> marks_;
  std::vector<QCPItemText*> labels_;
  bool is_logarithmic_ = false;
};

}  // namespace widgets
