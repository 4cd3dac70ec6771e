// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/config/param_reading.h"
#include "engine/config/transform_editor.h"
#include "widgets/models/plan_view.h"

#include <QList>
#include <QWidget>

#include <map>
#include <set>
#include <string>

class QCheckBox;
class QComboBox;
class QLabel;
class QStackedWidget;

namespace widgets {

class EmptyState;
class ParamForm;
class PatternEdit;
class RuleEditor;
class Selection;

/// The values of the chosen rule, or what several rules have in common, as a form built from the
/// schema of their paradigm: what is requested and what takes effect of it, what that means in the
/// hardware, where a shared value comes from and whom an edit of it changes. Knows no paradigm.
class RuleFormPanel : public QWidget {
  Q_OBJECT

 public:
  RuleFormPanel(Selection* selection, RuleEditor* editor, QWidget* parent = nullptr);
  ~RuleFormPanel() override;

  void setView(PlanViewPtr view);
  /// Gives the first field the focus, its text selected.
  void focusFirstField();
  ParamForm* form() const;  ///< null while no rule with a known paradigm is chosen
  PatternEdit* pattern() const { return pattern_; }
  QComboBox* paradigm() const { return paradigm_; }

 Q_SIGNALS:
  void ruleAccepted();  ///< Enter in the pattern

 private:
  const engine::ParadigmInfo* info(const std::string& id) const;
  std::vector<const engine::TransformRule*> rules() const;
  void showRules();
  void showHead(const std::vector<const engine::TransformRule*>& rules);
  void showParadigms(const std::string& chosen);
  void showValues(const std::vector<const engine::TransformRule*>& rules,
                  const engine::ParadigmInfo& info);
  void showProblems(const std::vector<const engine::TransformRule*>& rules);
  QString note(const engine::ParamSpec& spec, const engine::ParamValue& value,
               const engine::ReadingScale& scale) const;
  QString originNote(const std::string& key) const;
  engine::ReadingScale scale() const;
  ParamForm* formOf(const engine::ParadigmInfo& info);
  void write(const std::string& key);
  engine::SharedValue sharingOf(const std::string& key) const;

  Selection* selection_;
  RuleEditor* editor_;
  const std::vector<engine::ParadigmInfo> infos_;
  PlanViewPtr view_;
  QLabel* title_;
  QLabel* counts_;
  PatternEdit* pattern_;
  QComboBox* paradigm_;
  QLabel* source_;
  QCheckBox* leave_alone_;
  QLabel* explanation_;
  QStackedWidget* forms_;
  EmptyState* empty_;
  std::map<std::string, ParamForm*> form_of_;  ///< by paradigm and digest
  QList<int> shown_rules_;
  std::set<std::string> for_all_;  ///< shared values that are edited for all who share them
  bool following_ = false;
};

}  // namespace widgets
