// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/rule_editor.h"

#include "widgets/models/transform_document.h"

#include <algorithm>

namespace widgets {
namespace {

std::vector<int> indices(const QList<int>& rules) { return {rules.begin(), rules.end()}; }

/// Edits that follow each other on the text that the ones before left, as one.
class EditChain {
 public:
  EditChain(const std::string& text, const std::string& file) : text_(text), file_(file) {}

  /// False after a refusal.
  template <class Edit>
  bool add(Edit edit) {
    const engine::TransformEditor editor(text_, file_);
    const engine::EditResult next = edit(editor);
    if (!next.ok()) {
      result_.refusals = next.refusals;
      result_.edit = {};
      return false;
    }
    if (result_.edit.title.empty()) result_.edit.title = next.edit.title;
    text_ = engine::apply_edit(text_, next.edit);
    result_.edit.patches.insert(result_.edit.patches.end(), next.edit.patches.begin(),
                                next.edit.patches.end());
    return true;
  }
  engine::EditResult& result() { return result_; }

 private:
  std::string text_;
  std::string file_;
  engine::EditResult result_;
};

}  // namespace

std::vector<engine::RuleEntry> starting_entries(const engine::ParadigmInfo& info) {
  std::vector<engine::RuleEntry> entries;
  bool is_implied = false;
  for (const auto& spec : info.schema.specs()) {
    if (!spec.is_upstream || !spec.refused_because.empty()) continue;
    entries.emplace_back(spec.name, engine::yaml_value(spec.default_value));
    is_implied = is_implied ||
                 std::any_of(info.key_prefixes.begin(), info.key_prefixes.end(),
                             [&](const auto& prefix) { return spec.name.rfind(prefix, 0) == 0; });
  }
  if (!is_implied) entries.insert(entries.begin(), {"paradigm", info.id});
  return entries;
}

RuleEditor::RuleEditor(TransformDocument* document, QObject* parent)
    : QObject(parent),
      document_(document),
      infos_(engine::paradigm_infos()),
      view_(std::make_shared<PlanView>()) {
  connect(document_, &TransformDocument::textChanged, this, [this] { editor_.reset(); });
  connect(document_, &TransformDocument::fileChanged, this, [this] {
    editor_.reset();
    left_alone_.clear();
  });
}

RuleEditor::~RuleEditor() = default;

const engine::TransformEditor& RuleEditor::editor() const {
  if (editor_ == nullptr) {
    editor_ = std::make_unique<engine::TransformEditor>(document_->text(),
                                                        document_->file().toStdString());
  }
  return *editor_;
}

bool RuleEditor::canEdit() const { return document_->isOpen() && editor().can_edit(); }

int RuleEditor::ruleCount() const { return editor().rule_count(); }

engine::ValueOrigin RuleEditor::originOf(int rule, const std::string& key) const {
  if (!canEdit() || rule < 0 || rule >= ruleCount()) return {};
  return editor().origin_of(rule, key);
}

bool RuleEditor::apply(const engine::EditResult& result, const QString& merge_key) {
  if (!result.ok()) {
    Q_EMIT refused(result.refusals.front());
    return false;
  }
  if (merge_key.isEmpty()) document_->endMerge();
  document_->apply(result.edit, merge_key);
  return true;
}

bool RuleEditor::setPattern(int rule, const QString& pattern) {
  return apply(editor().set_pattern(rule, pattern.toStdString()),
               QStringLiteral("pattern %1").arg(rule));
}

bool RuleEditor::setLeaveAlone(const QList<int>& rules, bool leave_alone) {
  EditChain chain(document_->text(), document_->file().toStdString());
  for (const int rule : rules) {
    const auto* written = view_->rule(rule);
    if (written == nullptr || written->leave_alone == leave_alone) continue;
    const QString key = QString::fromStdString(written->pattern);
    if (leave_alone) {
      left_alone_.insert(key, editor().value_source(rule));
      if (!chain.add([&](const auto& editor) { return editor.leave_alone(rule); })) break;
    } else {
      const std::string before = left_alone_.value(key);
      if (before.empty()) {
        if (!chain.add([&](const auto& editor) {
              return editor.set_entries(rule, starting_entries(infos_.front()));
            })) {
          break;
        }
      } else if (!chain.add([&](const auto& editor) { return editor.restore(rule, before); })) {
        break;
      }
    }
  }
  return apply(chain.result());
}

bool RuleEditor::setValue(const QList<int>& rules, const std::string& key,
                          const engine::ParamValue& value, engine::SharedValue shared) {
  QString merge_key = QString::fromStdString(key);
  for (const int rule : rules) merge_key += QStringLiteral(" %1").arg(rule);
  return apply(editor().set_value(indices(rules), key, engine::yaml_value(value), shared),
               merge_key);
}

bool RuleEditor::unsetValue(const QList<int>& rules, const std::string& key,
                            engine::SharedValue shared) {
  EditChain chain(document_->text(), document_->file().toStdString());
  for (const int rule : rules) {
    if (!chain.add([&](const auto& editor) { return editor.unset_value(rule, key, shared); }))
      break;
  }
  return apply(chain.result());
}

bool RuleEditor::setParadigm(const QList<int>& rules, const engine::ParadigmInfo& info) {
  EditChain chain(document_->text(), document_->file().toStdString());
  for (const int rule : rules) {
    if (!chain.add(
            [&](const auto& editor) { return editor.set_entries(rule, starting_entries(info)); })) {
      break;
    }
  }
  return apply(chain.result());
}

int RuleEditor::insert(int before, const engine::NewRule& rule) {
  return apply(editor().insert_rule(before, rule)) ? before : -1;
}

int RuleEditor::duplicate(int rule) {
  return apply(editor().duplicate_rule(rule)) ? std::min(rule + 1, ruleCount() - 1) : -1;
}

bool RuleEditor::remove(const QList<int>& rules) {
  return !rules.isEmpty() && apply(editor().delete_rules(indices(rules)));
}

bool RuleEditor::move(int from, int to) { return apply(editor().move_rule(from, to)); }

std::vector<engine::ProblemFix> RuleEditor::fixesFor(const engine::Problem& problem) const {
  // While the text does not parse, the plan is of another one.
  if (view_->transform == nullptr || view_->is_stale ||
      view_->transform->config.source_text != document_->text()) {
    return {};
  }
  engine::FixInput input{editor(), view_->transform->config, infos_};
  if (view_->has_plan()) {
    input.plan = &view_->plan;
    input.inventory = &view_->checkpoint->inventory;
  }
  return engine::fixes_for(problem, input);
}

std::string RuleEditor::textWithMoved(int from, int to) const {
  const auto result = editor().move_rule(from, to);
  return result.ok() ? engine::apply_edit(document_->text(), result.edit) : document_->text();
}

}  // namespace widgets
