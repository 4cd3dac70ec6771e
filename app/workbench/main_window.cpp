// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/main_window.h"

#include "app/workbench/dock_title.h"
#include "widgets/panels/message_bar.h"
#include "widgets/panels/start_page.h"
#include "widgets/style/metrics.h"
#include "widgets/style/symbol_icon.h"

#include <QActionGroup>
#include <QCloseEvent>
#include <QDockWidget>
#include <QDragEnterEvent>
#include <QDropEvent>
#include <QFileInfo>
#include <QLabel>
#include <QMenuBar>
#include <QMimeData>
#include <QSettings>
#include <QStackedWidget>
#include <QStatusBar>
#include <QStyle>
#include <QTimer>
#include <QToolBar>
#include <QToolButton>
#include <QVBoxLayout>

#include <algorithm>

namespace app {
namespace {

constexpr int kLayoutVersion = 4;

QString layout_key(Workspace workspace) {
  switch (workspace) {
    case Workspace::edit:
      return QStringLiteral("layout/edit");
    case Workspace::run:
      return QStringLiteral("layout/run");
    case Workspace::compare:
      break;
  }
  return QStringLiteral("layout/compare");
}

}  // namespace

MainWindow::MainWindow(QWidget* parent)
    : QMainWindow(parent),
      start_page_(new widgets::StartPage),
      messages_(new widgets::MessageBar(this)),
      drop_hint_(
          new QLabel(tr("Drop to open: checkpoint folder, transform file or run folder"), this)) {
  setObjectName(QStringLiteral("main_window"));
  setWindowTitle(tr("Paradigm Workbench"));
  setDockNestingEnabled(true);
  setDockOptions(AnimatedDocks | AllowNestedDocks | AllowTabbedDocks | GroupedDragging);
  setTabPosition(Qt::AllDockWidgetAreas, QTabWidget::North);
  setAcceptDrops(true);
  setCentralWidget(start_page_);
  makeActions();
  makeMenus();
  statusBar()->setSizeGripEnabled(false);

  auto* hint = static_cast<QLabel*>(drop_hint_);
  hint->setAlignment(Qt::AlignCenter);
  hint->setAutoFillBackground(true);
  hint->setBackgroundRole(QPalette::Highlight);
  hint->setForegroundRole(QPalette::HighlightedText);
  hint->hide();
  resize(widgets::characters(this, 200), widgets::lines(this, 56));
}

MainWindow::~MainWindow() = default;

QAction* MainWindow::makeAction(const QString& name, const QString& text, const QString& tip,
                                const QString& icon, const QKeySequence& keys) {
  auto* action = new QAction(text, this);
  action->setObjectName(QStringLiteral("action.") + name);
  if (!icon.isEmpty()) action->setIcon(widgets::symbol_icon(icon));
  action->setShortcut(keys);
  action->setToolTip(
      keys.isEmpty() ? tip : tr("%1 (%2)").arg(tip, keys.toString(QKeySequence::NativeText)));
  action->setStatusTip(QString());
  addAction(action);
  return action;
}

void MainWindow::makeActions() {
  const auto make = [this](const QString& name, const QString& text, const QString& tip,
                           const QString& icon, const QKeySequence& keys) {
    return makeAction(name, text, tip, icon, keys);
  };
  actions_.open_checkpoint =
      make(QStringLiteral("open_checkpoint"), tr("&Open checkpoint…"),
           tr("Open a Llama checkpoint folder"), QStringLiteral("open"), QKeySequence::Open);
  actions_.open_transform = make(QStringLiteral("open_transform"), tr("Open &transform file…"),
                                 tr("Open a transform file (YAML)"), QStringLiteral("config"),
                                 QKeySequence(Qt::CTRL | Qt::Key_T));
  actions_.open_run = make(QStringLiteral("open_run"), tr("Open &run folder…"),
                           tr("Open a run folder, or a folder of runs"), QStringLiteral("folder"),
                           QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_O));
  actions_.open_demo =
      make(QStringLiteral("open_demo"), tr("Use the &demo"),
           tr("Open the checkpoint and transform that come with the program"), QString(), {});
  actions_.reload = make(QStringLiteral("reload"), tr("Re&load"), tr("Read the open files again"),
                         QStringLiteral("reload"), QKeySequence(Qt::Key_F5));
  actions_.quit = make(QStringLiteral("quit"), tr("&Quit"), tr("Close the window"), QString(),
                       QKeySequence::Quit);
  actions_.launch = make(QStringLiteral("launch"), tr("&Launch"),
                         tr("Train with the settings of the launch panel"), QStringLiteral("run"),
                         QKeySequence(Qt::CTRL | Qt::Key_R));
  actions_.filter_layers =
      make(QStringLiteral("filter_layers"), tr("&Filter layers"),
           tr("Go to the filter of the layer tree"), QStringLiteral("search"), QKeySequence::Find);
  actions_.workspace_edit =
      make(QStringLiteral("workspace_edit"), tr("&Edit"), tr("Layers, rules and their histogram"),
           QStringLiteral("edit"), QKeySequence(Qt::ALT | Qt::Key_1));
  actions_.workspace_run =
      make(QStringLiteral("workspace_run"), tr("&Run"), tr("Launch and watch runs"),
           QStringLiteral("chart"), QKeySequence(Qt::ALT | Qt::Key_2));
  actions_.workspace_compare =
      make(QStringLiteral("workspace_compare"), tr("&Compare"), tr("Runs side by side"),
           QStringLiteral("compare"), QKeySequence(Qt::ALT | Qt::Key_3));
  actions_.restore_layout =
      make(QStringLiteral("restore_layout"), tr("Restore the &default layout"),
           tr("Put all panels of this workspace back to their places"), QString(), {});
  actions_.full_screen =
      make(QStringLiteral("full_screen"), tr("F&ull screen"), tr("Fill the screen with the window"),
           QString(), QKeySequence(Qt::Key_F11));
  actions_.theme_system = make(QStringLiteral("theme_system"), tr("&System"),
                               tr("Light or dark as the system is"), QString(), {});
  actions_.theme_light =
      make(QStringLiteral("theme_light"), tr("&Light"), tr("Light theme"), QString(), {});
  actions_.theme_dark =
      make(QStringLiteral("theme_dark"), tr("&Dark"), tr("Dark theme"), QString(), {});
  actions_.about = make(QStringLiteral("about"), tr("&About Paradigm Workbench"),
                        tr("Version and licence"), QString(), {});

  auto* workspaces = new QActionGroup(this);
  for (auto* action :
       {actions_.workspace_edit, actions_.workspace_run, actions_.workspace_compare}) {
    action->setCheckable(true);
    workspaces->addAction(action);
  }
  actions_.workspace_edit->setChecked(true);
  connect(actions_.workspace_edit, &QAction::triggered, this,
          [this] { setWorkspace(Workspace::edit); });
  connect(actions_.workspace_run, &QAction::triggered, this,
          [this] { setWorkspace(Workspace::run); });
  connect(actions_.workspace_compare, &QAction::triggered, this,
          [this] { setWorkspace(Workspace::compare); });
  auto* themes = new QActionGroup(this);
  for (auto* action : {actions_.theme_system, actions_.theme_light, actions_.theme_dark}) {
    action->setCheckable(true);
    themes->addAction(action);
  }
  connect(actions_.quit, &QAction::triggered, this, &QWidget::close);
  connect(actions_.restore_layout, &QAction::triggered, this,
          [this] { applyDefaultLayout(workspace_); });
  actions_.full_screen->setCheckable(true);
  connect(actions_.full_screen, &QAction::toggled, this,
          [this](bool full) { full ? showFullScreen() : showNormal(); });
}

void MainWindow::makeMenus() {
  auto* file = file_menu_ = menuBar()->addMenu(tr("&File"));
  file->addActions(
      {actions_.open_checkpoint, actions_.open_transform, actions_.open_run, actions_.open_demo});
  recent_menu_ = file->addMenu(tr("Open re&cent"));
  recent_menu_->setEnabled(false);
  file->addSeparator();
  file->addAction(actions_.reload);
  file->addSeparator();
  file->addAction(actions_.quit);
  edit_menu_ = menuBar()->addMenu(tr("&Edit"));
  edit_menu_->addAction(actions_.filter_layers);
  run_menu_ = menuBar()->addMenu(tr("&Run"));
  run_menu_->setToolTipsVisible(true);
  run_menu_->addAction(actions_.launch);
  auto* view = menuBar()->addMenu(tr("&View"));
  view->addActions({actions_.workspace_edit, actions_.workspace_run, actions_.workspace_compare});
  view->addSeparator();
  panels_menu_ = view->addMenu(tr("&Panels"));
  auto* theme = view->addMenu(tr("&Theme"));
  theme->addActions({actions_.theme_system, actions_.theme_light, actions_.theme_dark});
  view->addAction(actions_.restore_layout);
  view->addSeparator();
  view->addAction(actions_.full_screen);
  menuBar()->addMenu(tr("&Help"))->addAction(actions_.about);

  auto* bar = tool_bar_ = addToolBar(tr("Main tool bar"));
  bar->setObjectName(QStringLiteral("tool_bar"));
  bar->setMovable(false);
  bar->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
  const int icon = widgets::lines(this, 1.05);
  bar->setIconSize(QSize(icon, icon));
  bar->addActions({actions_.workspace_edit, actions_.workspace_run, actions_.workspace_compare});
  bar->addSeparator();
  actions_.open_checkpoint->setIconText(tr("Checkpoint"));
  actions_.open_transform->setIconText(tr("Transform"));
  actions_.open_run->setIconText(tr("Run folder"));
  bar->addActions({actions_.open_checkpoint, actions_.open_transform, actions_.open_run});
  bar->addSeparator();
  bar->addAction(actions_.launch);
  nameToolButtons();
  bar->setContextMenuPolicy(Qt::PreventContextMenu);

  addToolBarBreak();
  notices_ = addToolBar(tr("Messages"));
  notices_->setObjectName(QStringLiteral("message_tool_bar"));
  notices_->setMovable(false);
  notices_->setContextMenuPolicy(Qt::PreventContextMenu);
  notices_->toggleViewAction()->setVisible(false);
  messages_->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Preferred);
  messages_->setMinimumHeight(widgets::lines(this, 2.6));
  auto* place = notices_->addWidget(messages_);
  place->setVisible(false);
  notices_->hide();
  connect(messages_, &widgets::MessageBar::shownChanged, this, [this, place](bool shown) {
    place->setVisible(shown);
    notices_->setVisible(shown);
  });
}

void MainWindow::nameToolButtons() {
  for (auto* action : tool_bar_->actions()) {
    auto* button = qobject_cast<QToolButton*>(tool_bar_->widgetForAction(action));
    if (button == nullptr) continue;
    button->setAccessibleName(action->text().remove(QLatin1Char('&')));
    button->setFocusPolicy(Qt::TabFocus);
  }
}

bool MainWindow::restoreDocks(const QByteArray& layout) {
  const bool restored = restoreState(layout, kLayoutVersion);
  notices_->setVisible(!messages_->text().isEmpty());
  return restored;
}

QDockWidget* MainWindow::addPanel(const QString& id, const QString& title, QWidget* panel) {
  auto* dock = new QDockWidget(title, this);
  dock->setObjectName(QStringLiteral("dock.") + id);
  dock->setAccessibleName(title);
  dock->setWidget(panel);
  dock->setTitleBarWidget(new DockTitle(dock));
  addDockWidget(Qt::LeftDockWidgetArea, dock);
  dock->hide();
  docks_.push_back(dock);
  QAction* show = dock->toggleViewAction();
  show->setToolTip(tr("Show or hide the panel %1").arg(title));
  if (docks_.size() <= 9) {
    show->setShortcut(
        QKeySequence(Qt::CTRL | static_cast<Qt::Key>(Qt::Key_0 + int(docks_.size()))));
  }
  panels_menu_->addAction(show);
  return dock;
}

QDockWidget* MainWindow::dock(const QString& id) const {
  const QString name = QStringLiteral("dock.") + id;
  for (auto* one : docks_) {
    if (one->objectName() == name) return one;
  }
  return nullptr;
}

void MainWindow::arrangeDocks() { setStartPageShown(start_page_shown_); }

void MainWindow::setStartPageShown(bool shown) {
  start_page_shown_ = shown;
  if (shown) {
    for (auto* one : docks_) one->hide();
    start_page_->show();
  } else if (start_page_->isVisibleTo(this)) {
    start_page_->hide();
    const bool known = layouts_.count(workspace_) != 0 && restoreDocks(layouts_[workspace_]);
    if (!known) applyDefaultLayout(workspace_);
  }
  panels_menu_->setEnabled(!shown);
  actions_.restore_layout->setEnabled(!shown);
}

void MainWindow::setWorkspace(Workspace workspace) {
  auto* action = workspace == Workspace::edit  ? actions_.workspace_edit
                 : workspace == Workspace::run ? actions_.workspace_run
                                               : actions_.workspace_compare;
  action->setChecked(true);
  const bool changes = workspace != workspace_;
  if (changes && !start_page_shown_) layouts_[workspace_] = saveState(kLayoutVersion);
  workspace_ = workspace;
  if (start_page_shown_) {
    if (changes) Q_EMIT workspaceChanged();
    setStartPageShown(false);
    return;
  }
  if (!changes) return;
  const bool known = layouts_.count(workspace) != 0 && restoreDocks(layouts_[workspace]);
  if (!known) applyDefaultLayout(workspace);
  Q_EMIT workspaceChanged();
}

void MainWindow::applyDefaultLayout(Workspace workspace) {
  for (auto* one : docks_) {
    one->setFloating(false);
    // A panel that is removed while it is shown comes back with the saved layout of this workspace.
    one->hide();
    removeDockWidget(one);
  }
  auto* layers = dock(QStringLiteral("layers"));
  auto* rules = dock(QStringLiteral("rules"));
  auto* form = dock(QStringLiteral("form"));
  auto* yaml = dock(QStringLiteral("yaml"));
  auto* histogram = dock(QStringLiteral("histogram"));
  auto* problems = dock(QStringLiteral("problems"));
  auto* presets = dock(QStringLiteral("presets"));
  auto* history = dock(QStringLiteral("history"));
  auto* launch = dock(QStringLiteral("launch"));
  auto* runs = dock(QStringLiteral("runs"));
  auto* monitor = dock(QStringLiteral("monitor"));
  auto* queue = dock(QStringLiteral("queue"));
  auto* study = dock(QStringLiteral("study"));
  auto* log = dock(QStringLiteral("log"));
  auto* try_it = dock(QStringLiteral("try"));
  auto* scan = dock(QStringLiteral("scan"));
  auto* layer_statistics = dock(QStringLiteral("layer_statistics"));
  const int wide = width();
  const int tall = height();
  const auto show = [](std::initializer_list<QDockWidget*> shown) {
    for (auto* one : shown) one->show();
  };
  if (workspace == Workspace::edit) {
    addDockWidget(Qt::LeftDockWidgetArea, layers);
    splitDockWidget(layers, rules, Qt::Horizontal);
    splitDockWidget(rules, form, Qt::Horizontal);
    splitDockWidget(rules, histogram, Qt::Vertical);
    splitDockWidget(histogram, problems, Qt::Vertical);
    splitDockWidget(form, yaml, Qt::Vertical);
    tabifyDockWidget(problems, presets);
    tabifyDockWidget(presets, history);
    tabifyDockWidget(yaml, try_it);
    tabifyDockWidget(try_it, scan);
    show({layers, rules, form, yaml, histogram, problems, presets, history, try_it, scan});
    problems->raise();
    yaml->raise();
    resizeDocks({layers, rules, form}, {wide * 29 / 100, wide * 39 / 100, wide * 32 / 100},
                Qt::Horizontal);
    resizeDocks({rules, histogram, problems}, {tall * 38 / 100, tall * 36 / 100, tall * 26 / 100},
                Qt::Vertical);
    resizeDocks({form, yaml}, {tall * 55 / 100, tall * 45 / 100}, Qt::Vertical);
  } else if (workspace == Workspace::compare) {
    auto* compare = dock(QStringLiteral("compare"));
    addDockWidget(Qt::LeftDockWidgetArea, compare);
    show({compare});
  } else {
    addDockWidget(Qt::LeftDockWidgetArea, launch);
    splitDockWidget(launch, monitor, Qt::Horizontal);
    splitDockWidget(monitor, histogram, Qt::Vertical);
    splitDockWidget(histogram, runs, Qt::Horizontal);
    tabifyDockWidget(launch, layers);
    tabifyDockWidget(histogram, rules);
    tabifyDockWidget(monitor, study);
    tabifyDockWidget(runs, queue);
    tabifyDockWidget(queue, log);
    tabifyDockWidget(log, layer_statistics);
    show({launch, layers, monitor, study, histogram, rules, runs, queue, log, layer_statistics});
    launch->raise();
    monitor->raise();
    histogram->raise();
    runs->raise();
    // The form needs its width: what is asked for beyond the window's would make that grow.
    const int left = std::max(wide * 33 / 100, launch->minimumSizeHint().width());
    const int gap = style()->pixelMetric(QStyle::PM_DockWidgetSeparatorExtent, nullptr, this);
    const int right = wide - left - gap;
    resizeDocks({launch, monitor}, {left, right}, Qt::Horizontal);
    resizeDocks({monitor, histogram}, {tall * 62 / 100, tall * 38 / 100}, Qt::Vertical);
    resizeDocks({histogram, runs}, {right * 42 / 100, right - gap - right * 42 / 100},
                Qt::Horizontal);
  }
}

void MainWindow::raisePanel(const QString& id) {
  auto* one = dock(id);
  if (one == nullptr) return;
  if (start_page_shown_) setStartPageShown(false);
  one->show();
  one->raise();
}

QToolButton* MainWindow::statusChip(const QString& id) {
  auto& chip = chips_[id];
  if (chip == nullptr) {
    chip = new QToolButton(this);
    chip->setObjectName(QStringLiteral("status.") + id);
    chip->setAutoRaise(true);
    chip->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    const int icon = widgets::lines(this, 0.9);
    chip->setIconSize(QSize(icon, icon));
    statusBar()->addWidget(chip);
  }
  return chip;
}

void MainWindow::setRecent(const QStringList& paths) {
  start_page_->setRecent(paths);
  recent_menu_->clear();
  recent_menu_->setEnabled(!paths.isEmpty());
  for (const auto& path : paths) {
    auto* action = recent_menu_->addAction(path);
    action->setToolTip(path);
    connect(action, &QAction::triggered, this, [this, path] { Q_EMIT recentChosen(path); });
  }
}

void MainWindow::saveLayout(QSettings& settings) const {
  settings.setValue(QStringLiteral("window/geometry"), saveGeometry());
  for (const auto& [workspace, layout] : layouts_) {
    settings.setValue(layout_key(workspace), layout);
  }
  if (!start_page_shown_) {
    settings.setValue(layout_key(workspace_), saveState(kLayoutVersion));
  }
}

void MainWindow::restoreLayout(QSettings& settings) {
  const QByteArray geometry = settings.value(QStringLiteral("window/geometry")).toByteArray();
  if (!geometry.isEmpty()) restoreGeometry(geometry);
  for (const auto workspace : {Workspace::edit, Workspace::run, Workspace::compare}) {
    const QByteArray layout = settings.value(layout_key(workspace)).toByteArray();
    if (!layout.isEmpty()) layouts_[workspace] = layout;
  }
}

void MainWindow::paintEvent(QPaintEvent* event) {
  QMainWindow::paintEvent(event);
  if (painted_) return;
  painted_ = true;
  QTimer::singleShot(0, this, &MainWindow::firstPainted);
}

void MainWindow::closeEvent(QCloseEvent* event) {
  if (may_close_ && !may_close_()) {
    event->ignore();
    return;
  }
  QMainWindow::closeEvent(event);
}

void MainWindow::dragEnterEvent(QDragEnterEvent* event) {
  const QList<QUrl> urls = event->mimeData()->urls();
  const bool local = !urls.isEmpty() && std::all_of(urls.begin(), urls.end(), [](const QUrl& url) {
    return url.isLocalFile();
  });
  if (!local) return;
  event->acceptProposedAction();
  const int height_of_hint = widgets::lines(this, 2.4);
  drop_hint_->setGeometry(0, height() - height_of_hint, width(), height_of_hint);
  drop_hint_->show();
  drop_hint_->raise();
}

void MainWindow::dragLeaveEvent(QDragLeaveEvent*) { drop_hint_->hide(); }

void MainWindow::dropEvent(QDropEvent* event) {
  drop_hint_->hide();
  QStringList paths;
  for (const auto& url : event->mimeData()->urls()) {
    if (url.isLocalFile()) paths << url.toLocalFile();
  }
  if (paths.isEmpty()) return;
  event->acceptProposedAction();
  Q_EMIT pathsDropped(paths);
}

}  // namespace app
