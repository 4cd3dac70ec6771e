// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/edit_actions.h"

#include "app/workbench/document_files.h"
#include "app/workbench/edit_workspace.h"
#include "app/workbench/main_window.h"
#include "widgets/style/symbol_icon.h"

#include <QAction>
#include <QCoreApplication>
#include <QMenu>
#include <QToolBar>

namespace app {
namespace {

QString tr(const char* text) { return QCoreApplication::translate("EditActions", text); }

/// Undo and Redo of the document, whose texts name the step.
QAction* history_action(MainWindow* window, QAction* action, const char* name, const QString& icon,
                        const QKeySequence& keys, const QString& short_text) {
  action->setObjectName(QStringLiteral("action.") + QLatin1String(name));
  action->setIcon(widgets::symbol_icon(icon));
  action->setShortcut(keys);
  action->setIconText(short_text);
  const QString key = keys.toString(QKeySequence::NativeText);
  const auto describe = [action, key] {
    action->setToolTip(QStringLiteral("%1 (%2)").arg(action->text().remove(QLatin1Char('&')), key));
  };
  QObject::connect(action, &QAction::changed, action, [action, describe, short_text] {
    if (action->iconText() == short_text && !action->toolTip().isEmpty() &&
        action->toolTip().startsWith(action->text().remove(QLatin1Char('&')))) {
      return;
    }
    action->setIconText(short_text);
    describe();
  });
  describe();
  window->addAction(action);
  return action;
}

}  // namespace

EditActions add_edit_actions(MainWindow* window, EditWorkspace* edit, DocumentFiles* files) {
  EditActions actions;
  actions.new_transform =
      window->makeAction(QStringLiteral("new_transform"), tr("&New transform"),
                         tr("Begin a transform file"), QStringLiteral("add"), QKeySequence::New);
  actions.save =
      window->makeAction(QStringLiteral("save"), tr("&Save"), tr("Save the transform file"),
                         QStringLiteral("save"), QKeySequence::Save);
  actions.save_as = window->makeAction(QStringLiteral("save_as"), tr("Save &as…"),
                                       tr("Save the transform file under another name"), QString(),
                                       QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_S));
  auto* history = edit->document()->undoStack();
  actions.undo = history_action(window, history->createUndoAction(window, tr("&Undo")), "undo",
                                QStringLiteral("undo"), QKeySequence::Undo, tr("Undo"));
  actions.redo = history_action(window, history->createRedoAction(window, tr("&Redo")), "redo",
                                QStringLiteral("redo"),
                                QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_Z), tr("Redo"));
  actions.make_rule =
      window->makeAction(QStringLiteral("make_rule"), tr("&Make a rule of the selected layers"),
                         tr("Write the shortest pattern that matches exactly the selected layers"),
                         QStringLiteral("add"), QKeySequence(Qt::CTRL | Qt::Key_Return));

  const QList<QAction*> file = window->fileMenu()->actions();
  window->fileMenu()->insertAction(file.isEmpty() ? nullptr : file.first(), actions.new_transform);
  QAction* before = nullptr;
  for (auto* action : file) {
    if (action == window->actions().reload) before = action;
  }
  window->fileMenu()->insertActions(before, {actions.save, actions.save_as});
  window->fileMenu()->insertSeparator(before);
  const QList<QAction*> editing = window->editMenu()->actions();
  QAction* first = editing.isEmpty() ? nullptr : editing.first();
  window->editMenu()->insertActions(first, {actions.undo, actions.redo});
  window->editMenu()->insertSeparator(first);
  window->editMenu()->insertAction(first, actions.make_rule);
  auto* bar = window->toolBar();
  QAction* launch = window->actions().launch;
  bar->insertActions(launch, {actions.save, actions.undo, actions.redo});
  bar->insertSeparator(launch);
  window->nameToolButtons();

  const auto begin = [window, edit, files](const std::string& text) {
    if (!files->mayLeave()) return;
    window->setStartPageShown(false);
    window->setWorkspace(Workspace::edit);
    edit->openNewDocument(text);
  };
  QObject::connect(actions.new_transform, &QAction::triggered, edit,
                   [begin] { begin(engine::empty_transform_text()); });
  QObject::connect(edit, &EditWorkspace::presetRequested, edit, begin);
  QObject::connect(actions.save, &QAction::triggered, files, &DocumentFiles::save);
  QObject::connect(actions.save_as, &QAction::triggered, files, &DocumentFiles::saveAs);
  const auto update = [actions, edit] {
    actions.save->setEnabled(edit->document()->isModified());
    actions.save_as->setEnabled(edit->document()->isOpen());
  };
  QObject::connect(edit->document(), &widgets::TransformDocument::modifiedChanged, edit, update);
  QObject::connect(edit->document(), &widgets::TransformDocument::fileChanged, edit, update);
  update();
  return actions;
}

}  // namespace app
