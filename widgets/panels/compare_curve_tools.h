// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/run_notes.h"

#include <QStringList>
#include <QWidget>

#include <optional>

class QLineEdit;
class QMenu;
class QSpinBox;
class QToolButton;

namespace widgets {

/// How the curves of a comparison are drawn: means or single runs, smoothing, logarithmic axes, the
/// step that x is counted from, and which metrics have a chart besides the main one. What is chosen
/// comes back with the next start.
class CompareCurveTools : public QWidget {
  Q_OBJECT

 public:
  explicit CompareCurveTools(RunNotesPtr notes, QWidget* parent = nullptr);

  /// The notes have another store: takes the choices that stand there.
  void restore();
  /// The metrics that can have a chart.
  void setMetrics(const QStringList& metrics);
  /// What smoothing is until the user has chosen one.
  void setUsualHalfLife(int steps);

  bool showsMeans() const;
  bool isLogarithmicX() const;
  bool isLogarithmicY() const;
  int halfLife() const;
  std::optional<double> alignAt() const;
  const QStringList& beside() const { return beside_; }

 Q_SIGNALS:
  void drawingChanged();
  void optionsChanged();  ///< what is compared changes: the step of alignment, or the charts

 private:
  void makeButtons();
  void makeNumbers();
  void fillCharts();
  QToolButton* addToggle(const QString& text, const QString& name, const QString& tip);

  RunNotesPtr notes_;
  QToolButton* means_;
  QToolButton* log_x_;
  QToolButton* log_y_;
  QSpinBox* half_life_;
  QLineEdit* align_;
  QToolButton* charts_;
  QMenu* menu_;
  QStringList metrics_;
  QStringList beside_;
  bool is_half_life_chosen_ = false;
};

}  // namespace widgets
