// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/runs/run_control.h"

#include <QDialog>
#include <QString>

#include <cstdint>

class QLabel;
class QRadioButton;
class QSpinBox;

namespace widgets {

/// Asks how many steps a live run is to have, and what becomes of its learning rate, and says what
/// each answer means.
class ExtendDialog : public QDialog {
  Q_OBJECT

 public:
  ExtendDialog(const QString& run, std::int64_t step, std::int64_t max_steps,
               QWidget* parent = nullptr);

  engine::RunExtension extension() const;

 private:
  void describe();

  std::int64_t before_;
  QSpinBox* steps_;
  QRadioButton* stretch_;
  QRadioButton* keep_;
  QLabel* meaning_;
};

}  // namespace widgets
