// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/config/param_schema.h"
#include "engine/problem.h"

#include <QWidget>

#include <vector>

class QLabel;
class QPushButton;

namespace widgets {

class MessageBar;
class ParamForm;

/// What to train and how, under the names of the command line's flags. Emits a request only when
/// nothing is wrong.
class LaunchPanel : public QWidget {
  Q_OBJECT

 public:
  explicit LaunchPanel(QWidget* parent = nullptr);

  ParamForm* form() const { return form_; }
  QPushButton* launchButton() const { return launch_; }
  MessageBar* messages() const { return messages_; }

  /// Why nothing can be launched now; empty = it can.
  void setBlocked(const QString& reason);
  /// Problems of the open transform plan; errors keep the launch back.
  void setPlanProblems(std::vector<engine::Problem> problems);
  /// What is wrong with the form's settings, each and together.
  std::vector<engine::Problem> problems() const;
  /// `paradigm train` with the form's settings, quoted for a POSIX shell.
  QString commandLine() const;
  /// As the button: shows all problems, or emits launchRequested.
  void launch();

 Q_SIGNALS:
  void launchRequested(const engine::ParamValues& values);

 private:
  ParamForm* form_;
  MessageBar* messages_;
  QPushButton* launch_;
  QLabel* reason_;
  QString blocked_;
  std::vector<engine::Problem> plan_problems_;
};

/// One argument for a POSIX shell, quoted only when it must be.
QString shell_quoted(const QString& argument);

}  // namespace widgets
