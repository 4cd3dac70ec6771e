// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/runs/run_control.h"
#include "widgets/models/launch_request.h"
#include "widgets/models/run_store.h"

#include <QDialog>
#include <QString>

#include <cstdint>

class QComboBox;
class QFormLayout;
class QLabel;
class QRadioButton;
class QSpinBox;

namespace widgets {

/// Asks how many steps a live or finished run is to have and what becomes of its learning rate, of
/// a finished one also where it trains, and says what each answer means.
class ExtendDialog : public QDialog {
  Q_OBJECT

 public:
  /// As the run stands now.
  explicit ExtendDialog(const RunRecord& run, QWidget* parent = nullptr);

  /// Where a finished run may train further, and why not in this window; empty: it may.
  void offerPlaces(LaunchPlace chosen, const QString& why_not_here, bool has_separate);

  engine::RunExtension extension() const;
  LaunchPlace place() const;

 private:
  void addRunRows(const RunRecord& run);
  QString courseText() const;
  QString passesText() const;
  void describe();

  bool is_finished_;
  std::int64_t before_;
  double last_rate_;        ///< NaN: not known
  double passes_per_step_;  ///< over the text; 0: not known
  QFormLayout* form_;
  QSpinBox* steps_;
  QRadioButton* stretch_;
  QRadioButton* keep_;
  QComboBox* place_;
  QLabel* meaning_;
};

}  // namespace widgets
