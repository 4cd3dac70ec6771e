// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/palette_entries.h"

#include "app/workbench/main_window.h"
#include "widgets/forms/param_form.h"
#include "widgets/models/run_store.h"
#include "widgets/models/selection.h"
#include "widgets/panels/launch_panel.h"

#include <QAction>
#include <QCoreApplication>
#include <QMenu>
#include <QSet>

namespace app {
namespace {

using Entries = std::vector<widgets::CommandPalette::Entry>;

QString tr(const char* text) { return QCoreApplication::translate("Palette", text); }

void add_actions(Entries& entries, const MainWindow* window) {
  QSet<QString> seen;
  for (auto* action : window->findChildren<QAction*>()) {
    // The palette's own action would only open it again; unnamed ones belong to widgets.
    const QString name = action->objectName();
    const bool is_ours =
        name.contains(QLatin1Char('.')) || action->parent()->inherits("QDockWidget");
    if (!is_ours || name == QLatin1String("action.palette")) continue;
    if (!action->isEnabled() || action->isSeparator() || action->menu() != nullptr) continue;
    QString text = action->text().remove(QLatin1Char('&'));
    if (action->parent()->inherits("QDockWidget")) text = tr("Show or hide: %1").arg(text);
    if (text.isEmpty() || seen.contains(text)) continue;
    seen.insert(text);
    entries.push_back({text, tr("Command"), action->shortcut().toString(QKeySequence::NativeText),
                       [action] { action->trigger(); }});
  }
}

}  // namespace

Entries palette_entries(MainWindow* window, const widgets::PlanView& view,
                        const widgets::RunStore& runs, widgets::Selection* selection,
                        widgets::LaunchPanel* launch) {
  Entries entries;
  add_actions(entries, window);
  if (view.transform != nullptr) {
    const int count = static_cast<int>(view.transform->config.rules.size());
    for (int rule = 0; rule < count; ++rule) {
      const QString text = tr("Rule %1: %2")
                               .arg(widgets::rule_label(view, rule),
                                    QString::fromStdString(view.rule(rule)->pattern));
      entries.push_back({text, tr("Rule"), QString(), [window, selection, rule] {
                           window->setWorkspace(Workspace::edit);
                           window->raisePanel(QStringLiteral("rules"));
                           selection->setRules({rule});
                         }});
    }
  }
  for (const auto& run : runs.runs()) {
    entries.push_back({run->name, tr("Run"), QString(), [window, selection, folder = run->folder] {
                         window->setWorkspace(Workspace::run);
                         window->raisePanel(QStringLiteral("monitor"));
                         selection->setRun(folder);
                       }});
  }
  for (const auto& spec : launch->form()->schema().specs()) {
    if (!spec.refused_because.empty()) continue;
    entries.push_back({QString::fromStdString(spec.name), tr("Launch setting"), QString(),
                       [window, launch, name = spec.name] {
                         window->setWorkspace(Workspace::run);
                         window->raisePanel(QStringLiteral("launch"));
                         launch->form()->reveal(name);
                       }});
  }
  if (view.checkpoint != nullptr) {
    for (const auto& layer : view.checkpoint->inventory.layers()) {
      const QString name = QString::fromStdString(layer.name);
      entries.push_back({name, tr("Layer"), QString(), [window, selection, name] {
                           window->setWorkspace(Workspace::edit);
                           window->raisePanel(QStringLiteral("layers"));
                           selection->setLayers({name});
                         }});
    }
  }
  return entries;
}

}  // namespace app
