// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

class QAction;

namespace app {

class DocumentFiles;
class EditWorkspace;
class MainWindow;

/// The actions of editing, in the menus and the tool bar of the window.
struct EditActions {
  QAction* new_transform = nullptr;
  QAction* save = nullptr;
  QAction* save_as = nullptr;
  QAction* undo = nullptr;
  QAction* redo = nullptr;
  QAction* make_rule = nullptr;
};

/// Makes and connects them; the window owns them.
EditActions add_edit_actions(MainWindow* window, EditWorkspace* edit, DocumentFiles* files);

}  // namespace app
