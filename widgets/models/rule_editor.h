// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/config/transform_editor.h"
#include "engine/transform/paradigm_info.h"
#include "engine/transform/problem_fixes.h"
#include "widgets/models/plan_view.h"

#include <QHash>
#include <QList>
#include <QObject>
#include <QString>

#include <memory>
#include <vector>

namespace widgets {

class TransformDocument;

/// Edits of rules as steps of the document that can be undone: what the rule list, the form, the
/// tree and the problems do. Every edit is a minimal patch of the text by engine::TransformEditor.
/// What cannot be edited is told by refused(), and nothing changes. GUI thread.
class RuleEditor : public QObject {
  Q_OBJECT

 public:
  explicit RuleEditor(TransformDocument* document, QObject* parent = nullptr);
  ~RuleEditor() override;

  TransformDocument* document() const { return document_; }
  /// The plan of the text as it is.
  void setView(PlanViewPtr view) { view_ = std::move(view); }
  const PlanViewPtr& view() const { return view_; }
  /// False while the text does not parse.
  bool canEdit() const;
  int ruleCount() const;
  engine::ValueOrigin originOf(int rule, const std::string& key) const;

  bool setPattern(int rule, const QString& pattern);
  /// Writes null, or back what stood there before it was written in this window.
  bool setLeaveAlone(const QList<int>& rules, bool leave_alone);
  bool setValue(const QList<int>& rules, const std::string& key, const engine::ParamValue& value,
                engine::SharedValue shared = engine::SharedValue::override_here);
  bool unsetValue(const QList<int>& rules, const std::string& key,
                  engine::SharedValue shared = engine::SharedValue::override_here);
  /// Another paradigm with the values that it starts with.
  bool setParadigm(const QList<int>& rules, const engine::ParadigmInfo& info);
  /// The index of the new rule, or -1.
  int insert(int before, const engine::NewRule& rule);
  int duplicate(int rule);
  bool remove(const QList<int>& rules);
  bool move(int from, int to);
  /// Applies what someone else worked out on this text: a fix.
  bool apply(const engine::EditResult& result, const QString& merge_key = {});

  /// What mends a problem of the text as it is.
  std::vector<engine::ProblemFix> fixesFor(const engine::Problem& problem) const;
  /// The text as it would be with the rule moved, for a preview; the same text when it cannot be.
  std::string textWithMoved(int from, int to) const;

 Q_SIGNALS:
  void refused(const engine::Problem& problem);

 private:
  const engine::TransformEditor& editor() const;

  TransformDocument* document_;
  const std::vector<engine::ParadigmInfo> infos_;
  PlanViewPtr view_;
  mutable std::unique_ptr<engine::TransformEditor>
      editor_;                              ///< of the text as it is; null = not yet
  QHash<QString, std::string> left_alone_;  ///< values of rules by pattern
};

/// What a new rule of a paradigm says: every key that upstream knows at its default, and the
/// paradigm's name where the keys do not tell it.
std::vector<engine::RuleEntry> starting_entries(const engine::ParadigmInfo& info);

}  // namespace widgets
