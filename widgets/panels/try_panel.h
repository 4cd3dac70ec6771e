// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/trial/transform_trial.h"

#include <QString>
#include <QWidget>

#include <optional>
#include <vector>

class QCheckBox;
class QLabel;
class QLineEdit;
class QMenu;
class QProgressBar;
class QPushButton;
class QSpinBox;
class QTreeWidget;

namespace widgets {

class MeasureLegend;
class MessageBar;

/// A text to try a transform on, and what speaks for it.
struct TextSuggestion {
  QString file;
  QString train_file;  ///< to calibrate ranges on; empty: a part of the text itself
  QString reason;

  bool operator==(const TextSuggestion&) const = default;
};

/// "Try it": a few batches of text through the plain and the transformed model. Says what is to be
/// tried and shows what came of it; who owns the engine does the work. GUI thread.
class TryPanel : public QWidget {
  Q_OBJECT

 public:
  explicit TryPanel(QWidget* parent = nullptr);

  QString textFile() const;
  /// The first is taken unless the user chose another one; all are offered.
  void suggestTexts(std::vector<TextSuggestion> texts);
  const std::vector<TextSuggestion>& suggestions() const { return suggestions_; }
  int batches() const;
  engine::TryOptions options() const;
  bool restartsOnEdit() const;

  /// Why nothing can be tried now; empty = go ahead.
  void setBlocked(const QString& reason);
  void setRunning(bool running);
  void showProgress(const QString& stage, double done, double total);
  void showResult(const engine::TrialResult& result);
  /// The result belongs to another state of the transform.
  void setOutdated(bool outdated);
  const std::optional<engine::TrialResult>& result() const { return result_; }
  MessageBar* messages() const { return messages_; }

 Q_SIGNALS:
  void runRequested();
  void cancelRequested();
  void settingsChanged();  ///< another text, prompt, number of batches or draws

 protected:
  void changeEvent(QEvent* event) override;

 private:
  void chooseText();
  void takeText(const QString& file);
  void presentResult();

  MessageBar* messages_;
  QLineEdit* text_;
  QLineEdit* prompt_;
  QSpinBox* batches_;
  QSpinBox* draws_;
  QCheckBox* restart_;
  QPushButton* run_;
  QPushButton* cancel_;
  QProgressBar* progress_;
  QLabel* difference_;
  QLabel* facts_;
  QLabel* next_;
  QTreeWidget* tokens_;
  MeasureLegend* legend_;
  QMenu* offers_;
  std::vector<TextSuggestion> suggestions_;
  bool text_is_chosen_ = false;
  bool running_ = false;
  bool outdated_ = false;
  QString blocked_;
  std::optional<engine::TrialResult> result_;
};

}  // namespace widgets
