// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/transform/paradigm_info.h"

#include <QFrame>
#include <QString>
#include <QStringList>

#include <vector>

class QComboBox;
class QLabel;
class QPushButton;

namespace widgets {

class PatternEdit;

/// A rule before it is written: the pattern for the selected layers, what it hits, its paradigm.
/// Enter adds it, Esc leaves everything as it is.
class NewRuleBar : public QFrame {
  Q_OBJECT

 public:
  struct Candidate {
    QString pattern;
    QString remark;  ///< "exactly the 64 selected layers", or what differs
    bool is_exact = true;
  };

  explicit NewRuleBar(QWidget* parent = nullptr);

  /// Shows the first candidate, the others in a list. `headline` names what the rule is for, or
  /// says that there is no exact pattern.
  void offer(const std::vector<Candidate>& candidates, const QString& headline, int before,
             const std::string& paradigm);
  void dismiss();
  bool isOffering() const { return isVisibleTo(parentWidget()); }

  QString pattern() const;
  int before() const { return before_; }
  /// The chosen paradigm's id; empty = leave alone.
  QString paradigm() const;
  PatternEdit* patternEdit() const { return pattern_; }
  /// Off while an existing rule gets another pattern.
  void setParadigmShown(bool shown);
  /// Says what the pattern in the field hits.
  void setHits(const QString& text, bool is_exact);

 Q_SIGNALS:
  void patternChanged(const QString& pattern);
  void accepted();

 protected:
  void keyPressEvent(QKeyEvent* event) override;
  void changeEvent(QEvent* event) override;

 private:
  void applyTheme();

  const std::vector<engine::ParadigmInfo> infos_;
  QLabel* headline_;
  PatternEdit* pattern_;
  QComboBox* others_;
  QLabel* paradigm_label_;
  QComboBox* paradigm_;
  QLabel* hits_;
  QPushButton* add_;
  int before_ = 0;
  bool is_exact_ = true;
};

}  // namespace widgets
