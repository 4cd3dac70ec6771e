// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QMainWindow>
#include <QStringList>

#include <functional>
#include <map>
#include <vector>

class QAction;
class QDockWidget;
class QKeySequence;
class QLabel;
class QMenu;
class QSettings;
class QToolBar;
class QToolButton;

namespace widgets {
class MessageBar;
class StartPage;
}  // namespace widgets

namespace app {

/// Actions of the menus and the tool bar. The window makes them; the workbench connects them.
struct Actions {
  QAction* open_checkpoint = nullptr;
  QAction* open_transform = nullptr;
  QAction* open_run = nullptr;
  QAction* open_demo = nullptr;
  QAction* reload = nullptr;
  QAction* quit = nullptr;
  QAction* launch = nullptr;
  QAction* filter_layers = nullptr;
  QAction* workspace_edit = nullptr;
  QAction* workspace_run = nullptr;
  QAction* workspace_compare = nullptr;
  QAction* restore_layout = nullptr;
  QAction* full_screen = nullptr;
  QAction* theme_system = nullptr;
  QAction* theme_light = nullptr;
  QAction* theme_dark = nullptr;
  QAction* about = nullptr;
};

enum class Workspace { edit, run, compare };

/// Menus and a place for panels: docks in remembered arrangements, one for each workspace; the
/// start page while nothing is open; a status bar whose chips are buttons. Knows no panel.
class MainWindow : public QMainWindow {
  Q_OBJECT

 public:
  explicit MainWindow(QWidget* parent = nullptr);
  ~MainWindow() override;

  /// Puts `panel` into a dock named `dock.<id>`. Call arrangeDocks() after the last one.
  QDockWidget* addPanel(const QString& id, const QString& title, QWidget* panel);
  void arrangeDocks();

  const Actions& actions() const { return actions_; }
  widgets::StartPage* startPage() const { return start_page_; }
  widgets::MessageBar* messages() const { return messages_; }
  void setRecent(const QStringList& paths);

  /// A new action of the window, with its shortcut in the tooltip; `name` without "action.".
  QAction* makeAction(const QString& name, const QString& text, const QString& tip,
                      const QString& icon, const QKeySequence& keys);
  QMenu* fileMenu() const { return file_menu_; }
  QMenu* editMenu() const { return edit_menu_; }
  QMenu* runMenu() const { return run_menu_; }
  QToolBar* toolBar() const { return tool_bar_; }
  /// Gives the buttons of the tool bar names and a place in the tab order. After adding actions.
  void nameToolButtons();

  void setStartPageShown(bool shown);
  void setWorkspace(Workspace workspace);
  Workspace workspace() const { return workspace_; }
  /// Brings a panel to the front, in whichever workspace shows it.
  void raisePanel(const QString& id);

  /// A chip of the status bar, made at the first call.
  QToolButton* statusChip(const QString& id);
  /// Asked before the window closes; false keeps it open.
  void setCloseGuard(std::function<bool()> may_close) { may_close_ = std::move(may_close); }

  void saveLayout(QSettings& settings) const;
  void restoreLayout(QSettings& settings);

 Q_SIGNALS:
  void firstPainted();
  void pathsDropped(const QStringList& paths);
  void recentChosen(const QString& path);
  void workspaceChanged();

 protected:
  void paintEvent(QPaintEvent* event) override;
  void closeEvent(QCloseEvent* event) override;
  void dragEnterEvent(QDragEnterEvent* event) override;
  void dragLeaveEvent(QDragLeaveEvent* event) override;
  void dropEvent(QDropEvent* event) override;

 private:
  void makeActions();
  void makeMenus();
  void applyDefaultLayout(Workspace workspace);
  bool restoreDocks(const QByteArray& layout);
  QDockWidget* dock(const QString& id) const;

  Actions actions_;
  widgets::StartPage* start_page_;
  widgets::MessageBar* messages_;
  QMenu* file_menu_ = nullptr;
  QMenu* edit_menu_ = nullptr;
  QMenu* run_menu_ = nullptr;
  QToolBar* tool_bar_ = nullptr;
  QMenu* recent_menu_ = nullptr;
  QMenu* panels_menu_ = nullptr;
  QToolBar* notices_ = nullptr;
  QWidget* drop_hint_;
  std::vector<QDockWidget*> docks_;
  std::map<QString, QToolButton*> chips_;
  std::map<Workspace, QByteArray> layouts_;
  std::function<bool()> may_close_;
  Workspace workspace_ = Workspace::edit;
  bool start_page_shown_ = true;
  bool painted_ = false;
};

}  // namespace app
