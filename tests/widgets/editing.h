// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tests/widgets/sample_plan.h"
#include "widgets/models/rule_editor.h"
#include "widgets/models/selection.h"
#include "widgets/models/transform_document.h"

#include <QObject>

#include <functional>
#include <string>
#include <vector>

namespace tests {

/// An open document that is planned at every change, as in the window, for tests of one panel.
class Editing {
 public:
  explicit Editing(const std::string& text = sample_transform()) : editor(&document) {
    QObject::connect(&document, &widgets::TransformDocument::textChanged, &document,
                     [this] { plan(); });
    QObject::connect(&editor, &widgets::RuleEditor::refused, &document,
                     [this](const engine::Problem& problem) { refusals.push_back(problem); });
    document.open(QStringLiteral("/configs/rules.yaml"), text);
  }

  /// Calls `show` with the view now and after every change.
  void onView(std::function<void(widgets::PlanViewPtr)> show) {
    show(view);
    shown_.push_back(std::move(show));
  }

  std::string pattern(int rule) const { return view->rule(rule)->pattern; }
  std::string value(int rule, const char* key) const {
    return engine::to_string(view->rule(rule)->values.get(key));
  }
  int rules() const { return static_cast<int>(view->transform->config.rules.size()); }

  widgets::TransformDocument document;
  widgets::RuleEditor editor;
  widgets::Selection selection;
  widgets::PlanViewPtr view;
  std::vector<engine::Problem> refusals;

 private:
  void plan() {
    view = widgets::plan_text(checkpoint_, document.text(), document.file().toStdString(), infos_,
                              view);
    editor.setView(view);
    for (const auto& show : shown_) show(view);
  }

  std::shared_ptr<const widgets::OpenCheckpoint> checkpoint_ = sample_checkpoint();
  std::vector<engine::ParadigmInfo> infos_ = engine::paradigm_infos();
  std::vector<std::function<void(widgets::PlanViewPtr)>> shown_;
};

}  // namespace tests
