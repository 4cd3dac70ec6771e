// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QObject>

#include <cmath>
#include <limits>

namespace widgets {

/// The step that is looked at, shared by curves, heat-map, log and table of a run. NaN = none. GUI
/// thread.
class StepCursor : public QObject {
  Q_OBJECT

 public:
  using QObject::QObject;

  double step() const { return step_; }
  void setStep(double step) {
    if (step == step_ || (std::isnan(step) && std::isnan(step_))) return;
    step_ = step;
    Q_EMIT stepChanged(step);
  }
  /// To go there: views that do not show the step bring it into view.
  void jumpTo(double step) {
    setStep(step);
    Q_EMIT jumped(step);
  }

 Q_SIGNALS:
  void stepChanged(double step);
  void jumped(double step);

 private:
  double step_ = std::numeric_limits<double>::quiet_NaN();
};

}  // namespace widgets
