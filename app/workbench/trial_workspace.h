// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/workbench/trial_runner.h"
#include "engine/config/param_schema.h"
#include "widgets/models/layer_measure.h"

#include <QObject>
#include <QString>
#include <QTimer>

#include <optional>
#include <string>

namespace widgets {
class ScanPanel;
class Selection;
class TryPanel;
}  // namespace widgets

namespace app {

class EditWorkspace;
class MainWindow;

/// Trying the transform that is edited: "Try it" and the sensitivity scan, their panels, and what
/// they paint on the layer tree. What runs belongs to the text on the screen: an edit starts it
/// again. A try goes before a scan, which goes on afterwards. GUI thread.
class TrialWorkspace : public QObject {
  Q_OBJECT

 public:
  TrialWorkspace(EditWorkspace* edit, widgets::Selection* selection, QObject* parent = nullptr);
  ~TrialWorkspace() override;

  /// Hands the panels to the window, which owns them from then on.
  void addPanels(MainWindow* window);
  /// Null while there is none, and then why.
  void setEngine(const engine::EngineApi* api, const QString& reason);
  /// Settings of the launch form: texts, device, dtype, seed, length of a sequence.
  void setRunValues(const engine::ParamValues& values);
  /// The checkpoint that was opened, and what the run was given that left it, if one did.
  void setCheckpoint(const QString& folder, const engine::ParamValues& run);
  /// A checkpoint that comes with the program, and the text that it has learnt from others like.
  void setSample(const QString& checkpoint, const QString& text);

  void tryNow();
  void scanNow();
  widgets::TryPanel* tryPanel() const { return try_; }
  widgets::ScanPanel* scanPanel() const { return scan_; }
  bool isBusy() const { return runner_.isBusy(); }
  bool isComputing() const { return runner_.isComputing(); }

 protected:
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  enum class Work { none, trying, scanning };

  void connectRunner();
  void followEdits();
  void update();
  void suggestTexts();
  void warnOfUnknownText(double plain_loss);
  void cancel();
  void pauseScan();
  void applyProposal();
  void finished();
  void paint();
  QString blockedBecause() const;
  TrialRunner::Subject subject() const;
  engine::TransformText text() const;

  EditWorkspace* edit_;
  widgets::TryPanel* try_;
  widgets::ScanPanel* scan_;
  TrialRunner runner_;
  QTimer restart_;  ///< waits until the typing rests
  const engine::EngineApi* api_ = nullptr;
  QString no_engine_;
  engine::ParamValues run_values_;
  engine::ParamValues checkpoint_run_;
  QString checkpoint_;
  QString sample_checkpoint_;
  QString sample_text_;
  std::string digest_;      ///< of the plan on the screen; empty without one
  std::string try_digest_;  ///< of the plan that was tried last
  std::string scan_digest_;
  Work work_ = Work::none;
  Work again_ = Work::none;  ///< what the timer starts
  bool scan_waits_ = false;  ///< until a try has ended
  bool shows_scan_ = false;  ///< on the tree
};

}  // namespace app
