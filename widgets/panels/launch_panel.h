// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/api.h"
#include "engine/config/param_schema.h"
#include "engine/problem.h"
#include "widgets/models/launch_request.h"

#include <QTimer>
#include <QWidget>

#include <optional>
#include <vector>

class QComboBox;
class QLabel;
class QPushButton;

namespace widgets {

class CostView;
class LaunchChecks;
class LaunchTools;
class MessageBar;
class ParamForm;

/// What to train, how and where, under the names of the command line's flags; copied and pasted as
/// a command. Emits a request only when nothing is wrong. What only the engine can tell (checks of
/// files and devices, the cost) is asked for by signals.
class LaunchPanel : public QWidget {
  Q_OBJECT

 public:
  explicit LaunchPanel(QWidget* parent = nullptr);

  ParamForm* form() const { return form_; }
  QPushButton* launchButton() const { return launch_; }
  MessageBar* messages() const { return messages_; }
  LaunchChecks* checks() const { return checks_; }
  CostView* cost() const { return cost_; }

  /// Why nothing can be launched in this window now; empty = it can.
  void setHereBlocked(const QString& reason);
  bool canLaunch() const { return blocked().isEmpty(); }
  /// Whether somebody answers checksWanted(); until then a launch goes without.
  void setCheckable(bool checkable);
  /// Whether a run can be given a process of its own.
  void setSeparateAvailable(bool available);
  void setPlace(LaunchPlace place);
  LaunchPlace place() const;
  /// The open transform: its file ("" = not saved yet), the problems of its plan, and whether a
  /// launch saves it first. Its errors keep back the launch of a form that names it.
  void setDocument(const QString& file, std::vector<engine::Problem> problems, bool unsaved);

  /// What is wrong with the form's settings, each and together.
  std::vector<engine::Problem> problems() const;
  /// What preflight found for these values. While a launch waits for it, it goes on or is given up.
  void setChecks(const engine::ParamValues& of, std::vector<engine::Problem> found);
  /// The form as a request; with what an estimate of these settings said.
  LaunchRequest request() const;
  /// `paradigm train` with the form's settings, quoted for a POSIX shell.
  QString commandLine(bool with_defaults = false) const;
  /// Fills the form from a pasted command, and says what of it was left out.
  void pasteCommand(const QString& text);
  /// As the button that estimates the cost.
  void estimate() { askForEstimate(false); }
  /// What an estimate of these settings found, with the micro-batch that it fitted: the form takes
  /// that up, unless it was changed meanwhile.
  void showEstimate(const engine::CostEstimate& estimate);
  /// As the button: shows all problems, or emits launchRequested, at once or after the checks.
  void launch();

 Q_SIGNALS:
  void launchRequested(const widgets::LaunchRequest& request);
  void checksWanted(const engine::ParamValues& values);
  void canLaunchChanged(bool can_launch);
  void estimateWanted(const engine::ParamValues& values, const engine::EstimateOptions& options);
  void estimateCancelled();

 protected:
  void showEvent(QShowEvent* event) override;

 private:
  QWidget* makeLaunchRow();
  void replaceValues(const engine::ParamValues& values, std::vector<engine::Problem> about,
                     bool shows_problems);
  void offerUndo();
  void formChanged();
  void askForChecks();
  void refreshChecks();
  bool usesDocument() const;
  /// What is known without the engine.
  std::vector<engine::Problem> ownProblems() const;
  std::vector<engine::Problem> allProblems() const;
  void giveUp(const std::vector<engine::Problem>& found);
  void applyFix(const engine::ParamValues& values);
  void goTo(const engine::Place& place);
  void askForEstimate(bool fit);
  void takeFitted(const engine::CostEstimate& estimate);
  QString blocked() const;
  void recommendPlace();
  void updateButton();

  ParamForm* form_;
  LaunchTools* tools_;
  MessageBar* messages_;
  LaunchChecks* checks_;
  CostView* cost_;
  QComboBox* place_;
  QLabel* place_label_;
  QPushButton* launch_;
  QLabel* reason_;
  QTimer check_timer_;
  QString here_blocked_;
  bool could_launch_ = true;
  QString document_;
  bool unsaved_ = false;
  bool checkable_ = false;
  bool attempted_ = false;  ///< a launch or paste: problems also stand under their fields
  std::optional<engine::ParamValues> launching_;          ///< waits for its checks
  std::optional<engine::ParamValues> estimated_;          ///< what the estimate was asked for
  LaunchPlace estimated_place_ = LaunchPlace::in_window;  ///< where it would train then
  engine::ParamValues replaced_;                          ///< by a paste or the defaults
  std::vector<engine::Problem> plan_problems_;
  std::vector<engine::Problem> pasted_problems_;
  std::vector<engine::Problem> checked_;
};

}  // namespace widgets
