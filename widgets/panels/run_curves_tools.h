// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/run_placement.h"

#include <QWidget>

#include <array>
#include <optional>

class QAction;
class QComboBox;
class QMenu;
class QSpinBox;
class QToolButton;

namespace widgets {

/// The charts of the monitor, the large one by default first.
inline constexpr std::array kMonitorMetrics = {Metric::loss, Metric::grad_norm,
                                               Metric::learning_rate, Metric::tokens_per_second,
                                               Metric::memory};

/// How a run's curves are shown: which of them, over what, how smooth; and what else can be done
/// with them.
class RunCurvesTools : public QWidget {
  Q_OBJECT

 public:
  explicit RunCurvesTools(QWidget* parent = nullptr);

  std::optional<Metric> metric() const;  ///< the only one to be shown; none = all
  /// The other runs that can be shown beside; filled when it is about to be shown.
  QMenu* besideMenu() const { return beside_menu_; }

  void setAxis(RunAxis axis);
  /// Until the user has chosen one.
  void suggestHalfLife(int steps);
  void setRaw(bool on);
  void setLogarithmic(bool on);
  void setFollowing(bool on);
  void setTableShown(bool shown);

 Q_SIGNALS:
  void metricChosen();
  void axisChosen(widgets::RunAxis axis);
  void halfLifeChanged(int steps);
  void rawToggled(bool on);
  void logarithmicToggled(bool on);
  void logarithmicXToggled(bool on);
  void followToggled(bool on);
  void tableToggled(bool shown);
  void figureWanted();
  void valuesWanted();

 private:
  void makeChoices();
  void makeMenu();

  QComboBox* metric_;
  QComboBox* axis_;
  QSpinBox* half_life_;
  QToolButton* raw_;
  QToolButton* logarithmic_;
  QToolButton* follow_;
  QToolButton* more_;
  QMenu* beside_menu_ = nullptr;
  QAction* show_table_ = nullptr;
  bool half_life_chosen_ = false;
};

}  // namespace widgets
