// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/workbench.h"

#include "app/engine_library.h"
#include "app/workbench/autosave.h"
#include "app/workbench/compare_workspace.h"
#include "app/workbench/document_files.h"
#include "app/workbench/edit_workspace.h"
#include "app/workbench/main_window.h"
#include "app/workbench/palette_entries.h"
#include "app/workbench/status_chips.h"
#include "engine/config/run_config.h"
#include "engine/error.h"
#include "widgets/forms/param_form.h"
#include "widgets/models/problems_model.h"
#include "widgets/panels/command_palette.h"
#include "widgets/panels/compare_panel.h"
#include "widgets/panels/histogram_panel.h"
#include "widgets/panels/launch_panel.h"
#include "widgets/panels/layer_assignment_panel.h"
#include "widgets/panels/layer_statistics_panel.h"
#include "widgets/panels/message_bar.h"
#include "widgets/panels/presets_panel.h"
#include "widgets/panels/problems_panel.h"
#include "widgets/panels/run_list_panel.h"
#include "widgets/panels/run_log_panel.h"
#include "widgets/panels/run_monitor_panel.h"
#include "widgets/panels/start_page.h"

#include <QApplication>
#include <QDateTime>
#include <QDir>
#include <QFileDialog>
#include <QFileInfo>
#include <QMenu>
#include <QMessageBox>
#include <QPushButton>
#include <QSettings>
#include <QTimer>
#include <QToolButton>

#include <algorithm>
#include <filesystem>

namespace app {
namespace {

constexpr int kRecent = 10;
const QString kRecentKey = QStringLiteral("recent/paths");
const QString kThemeKey = QStringLiteral("preferences/theme");

/// The first of these folders, relative to the program, that holds all of these files; "" = none.
QString shippedFolder(std::initializer_list<const char*> places,
                      std::initializer_list<const char*> files) {
  const QDir program(QString::fromStdString(program_folder().string()));
  for (const char* place : places) {
    const QDir folder(QDir::cleanPath(program.absoluteFilePath(QLatin1String(place))));
    const bool has_all = std::all_of(files.begin(), files.end(), [&](const char* file) {
      return folder.exists(QLatin1String(file));
    });
    if (folder.exists() && has_all) return folder.path();
  }
  return {};
}

}  // namespace

Workbench::Workbench(EngineLoader::Load load_engine, std::unique_ptr<QSettings> settings)
    : settings_(std::move(settings)),
      engine_(std::move(load_engine)),
      edit_(std::make_unique<EditWorkspace>(&selection_, &runs_)),
      window_(std::make_unique<MainWindow>()) {
  makePanels();
  files_ = std::make_unique<DocumentFiles>(edit_->document(), window_.get(), window_->messages());
  edit_actions_ = add_edit_actions(window_.get(), edit_.get(), files_.get());
  connectWindow();
  connectEditing();
  connectRuns();
  connectCompare();
  if (settings_ != nullptr) {
    window_->restoreLayout(*settings_);
    window_->setRecent(settings_->value(kRecentKey).toStringList());
  }
  window_->startPage()->setDemoAvailable(!demoFolder().isEmpty());
  window_->actions().open_demo->setEnabled(!demoFolder().isEmpty());
  updateEngineChip();
  updateRunChip();
  updateProblemChip();
  updateActions();
}

Workbench::~Workbench() = default;

void Workbench::makePanels() {
  launch_ = new widgets::LaunchPanel;
  monitor_ = new widgets::RunMonitorPanel(&selection_, &runs_);
  run_list_ = new widgets::RunListPanel(&selection_, &runs_);
  log_ = new widgets::RunLogPanel(&selection_, &runs_);
  layer_statistics_ = new widgets::LayerStatisticsPanel(&selection_, &runs_);
  edit_->addPanels(window_.get());
  window_->addPanel(QStringLiteral("launch"), tr("Launch"), launch_);
  window_->addPanel(QStringLiteral("monitor"), tr("Monitor"), monitor_);
  window_->addPanel(QStringLiteral("runs"), tr("Runs"), run_list_);
  window_->addPanel(QStringLiteral("log"), tr("Log"), log_);
  window_->addPanel(QStringLiteral("layer_statistics"), tr("Layer statistics"), layer_statistics_);
  compare_panel_ = new widgets::ComparePanel(&selection_);
  compare_ = new CompareWorkspace(compare_panel_, settings_.get(), this);
  window_->addPanel(QStringLiteral("compare"), tr("Compare"), compare_panel_);
  window_->arrangeDocks();
}

/// Runs are read for the comparison when it is looked at, and from then on.
void Workbench::connectCompare() {
  connect(window_.get(), &MainWindow::workspaceChanged, this, [this] {
    if (window_->workspace() != Workspace::compare || compares_given_) return;
    QStringList folders;
    for (const auto& run : runs_.runs()) folders << run->folder;
    compare_->addPaths(folders);
  });
  connect(&runs_, &widgets::RunStore::runAdded, this, [this](const QString& folder) {
    if (window_->workspace() == Workspace::compare && !compares_given_)
      compare_->addPaths({folder});
  });
}

void Workbench::connectWindow() {
  const Actions& actions = window_->actions();
  const auto ask_checkpoint = [this] {
    const QString folder =
        QFileDialog::getExistingDirectory(window_.get(), tr("Open a checkpoint folder"));
    if (!folder.isEmpty()) openPaths({folder});
  };
  const auto ask_transform = [this] {
    const QString file = QFileDialog::getOpenFileName(window_.get(), tr("Open a transform file"),
                                                      QString(), tr("YAML files (*.yaml *.yml)"));
    if (!file.isEmpty()) openPaths({file});
  };
  const auto ask_run = [this] {
    const QString folder = QFileDialog::getExistingDirectory(
        window_.get(), tr("Open a run folder, or a folder of runs"));
    if (!folder.isEmpty()) openPaths({folder});
  };
  auto* start = window_->startPage();
  connect(actions.open_checkpoint, &QAction::triggered, this, ask_checkpoint);
  connect(start, &widgets::StartPage::openCheckpointRequested, this, ask_checkpoint);
  connect(edit_.get(), &EditWorkspace::openCheckpointRequested, this, ask_checkpoint);
  connect(actions.open_transform, &QAction::triggered, this, ask_transform);
  connect(start, &widgets::StartPage::openConfigRequested, this, ask_transform);
  connect(edit_.get(), &EditWorkspace::openTransformRequested, this, ask_transform);
  connect(actions.open_run, &QAction::triggered, this, ask_run);
  connect(start, &widgets::StartPage::openRunRequested, this, ask_run);
  connect(run_list_, &widgets::RunListPanel::openRequested, this, ask_run);
  connect(actions.open_demo, &QAction::triggered, this, &Workbench::openDemo);
  connect(start, &widgets::StartPage::demoRequested, this, &Workbench::openDemo);
  connect(start, &widgets::StartPage::recentRequested, this,
          [this](const QString& path) { openPaths({path}); });
  connect(window_.get(), &MainWindow::recentChosen, this,
          [this](const QString& path) { openPaths({path}); });
  connect(window_.get(), &MainWindow::pathsDropped, this, &Workbench::openPaths);
  connect(actions.reload, &QAction::triggered, this, [this] { openPaths(edit_->openPaths()); });
  connect(actions.filter_layers, &QAction::triggered, this, [this] {
    window_->raisePanel(QStringLiteral("layers"));
    edit_->layers()->focusFilter();
  });
  connect(actions.theme_system, &QAction::triggered, this,
          [this] { setTheme(widgets::Theme::system); });
  connect(actions.theme_light, &QAction::triggered, this,
          [this] { setTheme(widgets::Theme::light); });
  connect(actions.theme_dark, &QAction::triggered, this,
          [this] { setTheme(widgets::Theme::dark); });
  connect(actions.about, &QAction::triggered, this, [this] {
    QMessageBox::about(
        window_.get(), tr("About Paradigm Workbench"),
        tr("<b>Paradigm Workbench %1</b><br>Would a language model still learn if these layers ran "
           "on simulated hardware?<br><br>Free software under the GNU General Public License, "
           "version 3 or later. It uses Qt, QCustomPlot and LibTorch.")
            .arg(QStringLiteral(PARADIGM_VERSION)));
  });
  connect(window_.get(), &MainWindow::workspaceChanged, this, [this] {
    if (window_->workspace() == Workspace::edit) edit_->histogram()->showPlanned();
    if (window_->workspace() == Workspace::run && !selection_.run().isEmpty()) {
      edit_->histogram()->showApplied();
    }
  });
  connect(window_.get(), &MainWindow::firstPainted, &engine_, &EngineLoader::start);
  connect(window_.get(), &MainWindow::firstPainted, this,
          [this] { edit_->presets()->setPresets(widgets::read_presets(presetsFolder())); });
  window_->setCloseGuard([this] { return mayClose(); });

  connect(window_->statusChip(QStringLiteral("engine")), &QToolButton::clicked, this, [this] {
    if (engine_.state() == EngineLoader::State::unavailable) {
      window_->messages()->showProblem(engine_.problem());
    }
  });
  connect(window_->statusChip(QStringLiteral("device")), &QToolButton::clicked, this, [this] {
    window_->setWorkspace(Workspace::run);
    launch_->form()->reveal("device");
  });
  connect(window_->statusChip(QStringLiteral("run")), &QToolButton::clicked, this, [this] {
    window_->setWorkspace(Workspace::run);
    if (launcher_.isBusy()) selection_.setRun(launcher_.folder());
  });
  connect(window_->statusChip(QStringLiteral("problems")), &QToolButton::clicked, this, [this] {
    window_->setWorkspace(Workspace::edit);
    window_->raisePanel(QStringLiteral("problems"));
  });
}

void Workbench::connectEditing() {
  connect(edit_.get(), &EditWorkspace::viewChanged, this, [this] {
    launch_->setPlanProblems(edit_->view()->problems);
    const QString title = edit_->title();
    window_->setWindowTitle(title.isEmpty() ? tr("Paradigm Workbench")
                                            : tr("%1 – Paradigm Workbench").arg(title));
    window_->setWindowModified(edit_->document()->isModified());
    const bool unsaved = files_->hasUnsavedWork();
    window_->actions().launch->setText(unsaved ? tr("Save and &launch") : tr("&Launch"));
    launch_->launchButton()->setText(window_->actions().launch->text());
    updateProblemChip();
    raiseGivenPanels();
  });
  connect(edit_.get(), &EditWorkspace::panelRequested, window_.get(), &MainWindow::raisePanel);
  connect(edit_.get(), &EditWorkspace::newTransformRequested, edit_actions_.new_transform,
          &QAction::trigger);
  if (settings_ != nullptr) {
    const QString folder = QFileInfo(settings_->fileName()).absolutePath();
    autosave_ = std::make_unique<Autosave>(edit_->document(), window_->messages(),
                                           folder + QStringLiteral("/recovery"));
    connect(autosave_.get(), &Autosave::recovered, this,
            [this](const QString& file, const std::string& text) {
              window_->setStartPageShown(false);
              window_->setWorkspace(Workspace::edit);
              edit_->openUnsaved(file, text);
            });
    connect(qApp, &QGuiApplication::applicationStateChanged, autosave_.get(), &Autosave::keep);
  }
  palette_ = new widgets::CommandPalette(window_.get());
  auto* find = window_->makeAction(QStringLiteral("palette"), tr("&Find anything…"),
                                   tr("Find a command, layer, rule, run or setting"),
                                   QStringLiteral("search"), QKeySequence(Qt::CTRL | Qt::Key_K));
  window_->editMenu()->addAction(find);
  connect(find, &QAction::triggered, this, [this] {
    palette_->open(palette_entries(window_.get(), *edit_->view(), runs_, &selection_, launch_));
  });
  connect(edit_actions_.make_rule, &QAction::triggered, edit_.get(), &EditWorkspace::makeRule);
  connect(files_.get(), &DocumentFiles::saved, this, [this](const QString& file) {
    launch_->form()->setValue("transform_config", file.toStdString());
    remember(file);
  });
}

void Workbench::connectRuns() {
  const Actions& actions = window_->actions();
  connect(&engine_, &EngineLoader::stateChanged, this, [this] {
    updateEngineChip();
    updateActions();
    launchWhenReady();
  });
  connect(&watcher_, &RunWatcher::found, this,
          [this](const QString& folder) { runs_.add(folder); });
  connect(&watcher_, &RunWatcher::updated, this, [this](const std::vector<WatchedUpdate>& batch) {
    for (const auto& one : batch) runs_.apply(one.folder, one.update);
    runs_.publish();
  });
  connect(&runs_, &widgets::RunStore::runsChanged, this, [this](const QStringList& folders) {
    if (folders.contains(selection_.run())) {
      const auto* run = runs_.find(selection_.run());
      if (run->plan == nullptr && run->started && !run_plan_job_.isRunning()) {
        readPlanOfRun(run->folder);
      }
    }
    updateRunChip();
    updateActions();
  });
  connect(&selection_, &widgets::Selection::runChanged, this, [this] {
    if (window_->workspace() == Workspace::run) edit_->histogram()->showApplied();
    readPlanOfRun(selection_.run());
    updateActions();
  });
  connect(actions.launch, &QAction::triggered, this, [this] {
    window_->setWorkspace(Workspace::run);
    window_->raisePanel(QStringLiteral("launch"));
    launch_->launch();
  });
  connect(run_list_, &widgets::RunListPanel::launchRequested, this, [this] {
    window_->raisePanel(QStringLiteral("launch"));
    launch_->launchButton()->setFocus();
  });
  connect(launch_, &widgets::LaunchPanel::launchRequested, this, &Workbench::saveAndLaunch);
  connect(actions.stop, &QAction::triggered, this,
          [this] { request(selection_.run(), engine::RunRequest::stop); });
  connect(actions.checkpoint_now, &QAction::triggered, this,
          [this] { request(selection_.run(), engine::RunRequest::checkpoint); });
  connect(monitor_, &widgets::RunMonitorPanel::requested, this, &Workbench::request);
  connect(monitor_, &widgets::RunMonitorPanel::resumeRequested, this, &Workbench::resumeRun);
  connect(&launcher_, &RunLauncher::started, this, [this](const QString& folder) {
    runs_.add(folder);
    runs_.setInWindow(folder, true);
    showRun(folder);
    edit_->histogram()->showApplied();
  });
  connect(&launcher_, &RunLauncher::progressed, this,
          [this](const QString& folder, const QString& stage, double share) {
            const auto* run = runs_.find(folder);
            if (run != nullptr && !run->seen_live) runs_.setStage(folder, stage, share);
          });
  connect(&launcher_, &RunLauncher::refused, this,
          [this](const QString& folder, const std::vector<engine::Problem>& found) {
            const auto homeless = launch_->form()->showProblems(found);
            const auto& shown = homeless.empty() ? found.front() : homeless.front();
            launch_->messages()->showProblem(shown);
            runs_.setRefused(folder, QString::fromStdString(shown.message));
          });
  connect(&launcher_, &RunLauncher::ended, this, [this](const QString& folder) {
    runs_.setInWindow(folder, false);
    watcher_.watch(folder);
    updateActions();
    updateRunChip();
    if (closing_) window_->close();
  });
}

void Workbench::start(const ProgramOptions& options) {
  widgets::Theme theme = options.theme;
  if (!options.theme_given && settings_ != nullptr) {
    theme = widgets::theme_from(settings_->value(kThemeKey).toString()).value_or(theme);
  }
  widgets::apply_theme(*qApp, theme);
  const Actions& actions = window_->actions();
  (theme == widgets::Theme::light  ? actions.theme_light
   : theme == widgets::Theme::dark ? actions.theme_dark
                                   : actions.theme_system)
      ->setChecked(true);
  if (!options.size.isEmpty()) window_->resize(options.size);

  QStringList paths = options.open + options.runs;
  launch_when_ready_ = options.launch;
  if (options.demo && !demoFolder().isEmpty()) {
    paths << demoFolder() + QStringLiteral("/run.yaml");
  }
  std::vector<engine::Problem> wrong;
  for (const auto& setting : options.settings) {
    const auto at = setting.indexOf(QLatin1Char('='));
    const std::string name = setting.left(at).toStdString();
    const auto* spec = at > 0 ? engine::train_schema().find(name) : nullptr;
    if (spec == nullptr) {
      engine::Problem problem;
      problem.place.file = "--set";
      problem.message = "there is no setting " + setting.toStdString();
      const std::string near = engine::train_schema().nearest(name);
      if (!near.empty()) problem.remedy = "Did you mean " + near + "?";
      wrong.push_back(problem);
      continue;
    }
    engine::Place place;
    place.file = "--" + name;
    given_.set(name, engine::parse_value(*spec, setting.mid(at + 1).toStdString(), place, wrong));
  }
  applyGivenSettings();
  if (!wrong.empty()) window_->messages()->showProblem(wrong.front());

  addRunsRoot(QDir(QDir::currentPath()).absoluteFilePath(QStringLiteral("runs")));
  window_->show();
  if (options.workspace == QLatin1String("run")) window_->setWorkspace(Workspace::run);
  if (options.workspace == QLatin1String("edit")) window_->setWorkspace(Workspace::edit);
  compares_given_ = !options.compare.isEmpty();
  if (options.workspace == QLatin1String("compare") || compares_given_)
    window_->setWorkspace(Workspace::compare);
  compare_->addPaths(options.compare);
  openPaths(paths);
  panels_to_raise_ = options.panels;
  raiseGivenPanels();

  if (!options.screenshot.isEmpty()) {
    const int after = options.after_ms;
    connect(window_.get(), &MainWindow::firstPainted, this, [this, after, options] {
      QTimer::singleShot(after, this, [this, options] { takeScreenshot(options.screenshot); });
    });
  }
}

void Workbench::openPaths(const QStringList& paths) {
  to_open_ << paths;
  openNext();
}

bool Workbench::isSettled() const {
  return to_open_.isEmpty() && !open_job_.isRunning() && !edit_->isPlanning();
}

void Workbench::openNext() {
  if (open_job_.isRunning()) return;
  if (to_open_.isEmpty()) {
    launchWhenReady();
    raiseGivenPanels();
    return;
  }
  const QString path = to_open_.takeFirst();
  edit_->layers()->setLoading(path);
  open_job_.start([path] { return open_path(path); },
                  [this](JobResult<OpenedPath> result) {
                    edit_->layers()->setLoading(QString());
                    if (result.value) {
                      take(*result.value);
                    } else {
                      window_->messages()->showProblem(result.problems.front());
                      launch_when_ready_ = false;
                    }
                    Q_EMIT opened();
                    openNext();
                  });
}

void Workbench::take(const OpenedPath& opened) {
  remember(opened.path);
  window_->messages()->dismiss();
  switch (opened.kind) {
    case PathKind::checkpoint:
      window_->setStartPageShown(false);
      launch_->form()->setValue("model_name_or_path", opened.path.toStdString());
      files_->setSuggestedFolder(QFileInfo(opened.path).absolutePath());
      edit_->setCheckpoint(opened.checkpoint);
      break;
    case PathKind::transform:
      takeTransform(opened);
      break;
    case PathKind::run_config:
      launch_->form()->setValues(opened.run_values);
      applyGivenSettings();
      window_->setStartPageShown(false);
      for (const char* name : {"transform_config", "model_name_or_path"}) {
        const QString path = text_in(opened.run_values, name);
        if (!path.isEmpty() && QFileInfo::exists(path)) to_open_.prepend(path);
      }
      break;
    case PathKind::run:
      runs_.add(opened.path);
      watcher_.watch(opened.path);
      showRun(opened.path);
      break;
    case PathKind::runs:
      addRunsRoot(opened.path);
      window_->setWorkspace(Workspace::run);
      window_->raisePanel(QStringLiteral("runs"));
      break;
  }
}

void Workbench::remember(const QString& path) {
  if (settings_ == nullptr) return;
  QStringList recent = settings_->value(kRecentKey).toStringList();
  recent.removeAll(path);
  recent.prepend(path);
  recent.erase(std::remove_if(recent.begin(), recent.end(),
                              [](const QString& one) { return !QFileInfo::exists(one); }),
               recent.end());
  while (recent.size() > kRecent) recent.removeLast();
  settings_->setValue(kRecentKey, recent);
  window_->setRecent(recent);
}

void Workbench::takeTransform(const OpenedPath& opened) {
  window_->setStartPageShown(false);
  auto* document = edit_->document();
  if (document->isOpen() && document->file() == opened.path) {
    // Reading the open file again is a step that can be undone.
    const auto problem = document->takeDisk();
    if (problem) window_->messages()->showProblem(*problem);
    return;
  }
  if (!files_->mayLeave()) return;
  launch_->form()->setValue("transform_config", opened.path.toStdString());
  edit_->openDocument(opened.path, opened.transform->config.source_text);
}

void Workbench::addRunsRoot(const QString& folder) { watcher_.addRoot(folder); }

void Workbench::showRun(const QString& folder) {
  window_->setWorkspace(Workspace::run);
  window_->raisePanel(QStringLiteral("monitor"));
  selection_.setRun(folder);
}

void Workbench::readPlanOfRun(const QString& folder) {
  const auto* run = runs_.find(folder);
  if (run == nullptr || run->plan != nullptr || !run->started) return;
  run_plan_job_.start([folder] { return plan_of_run(folder); },
                      [this, folder](JobResult<widgets::PlanViewPtr> result) {
                        if (!result.value) return;
                        // An unreadable plan is remembered as an empty one, so that it is not read
                        // again at every step.
                        runs_.setPlan(folder, *result.value != nullptr
                                                  ? *result.value
                                                  : std::make_shared<widgets::PlanView>());
                      });
}

void Workbench::saveAndLaunch(const engine::ParamValues& values) {
  engine::ParamValues given = values;
  const QString file = edit_->document()->file();
  const QString wanted = text_in(values, "transform_config");
  // What is on the screen is what runs: the open document, unless another file is asked for.
  const bool is_meant = file.isEmpty() ? wanted.isEmpty() : wanted == file;
  if (is_meant && files_->hasUnsavedWork()) {
    if (!files_->save()) return;
    given.set("transform_config", edit_->document()->file().toStdString());
  }
  launch(given);
}

void Workbench::launch(const engine::ParamValues& values) {
  if (engine_.api() == nullptr || launcher_.isBusy()) return;
  engine::RunConfig config = engine::run_config_from(values);
  if (config.output_dir.empty()) {
    config.output_dir = engine::default_output_dir(config, QDateTime::currentSecsSinceEpoch());
  }
  config.output_dir = std::filesystem::absolute(config.output_dir).lexically_normal().string();
  launch_->messages()->dismiss();
  launcher_.start(*engine_.api(), std::move(config));
  watcher_.watch(launcher_.folder());
  updateActions();
}

void Workbench::resumeRun(const QString& folder) {
  monitor_->messages()->dismiss();
  resume_job_.start([folder] { return open_path(folder + QStringLiteral("/run.yaml")); },
                    [this, folder](JobResult<OpenedPath> result) {
                      auto found = std::move(result.problems);
                      if (result.value) {
                        auto& values = result.value->run_values;
                        values.set("output_dir", folder.toStdString());  // where it is now
                        values.set("overwrite_output_dir", false);
                        launch_->form()->setValues(values);
                        found = launch_->problems();
                      }
                      if (engine::has_errors(found)) {
                        monitor_->messages()->showProblem(found.front());
                        return;
                      }
                      launch(result.value->run_values);
                    });
}

void Workbench::launchWhenReady() {
  if (!launch_when_ready_ || engine_.api() == nullptr || !isSettled()) {
    if (launch_when_ready_ && edit_->isPlanning()) {
      QTimer::singleShot(20, this, &Workbench::launchWhenReady);
    }
    return;
  }
  launch_when_ready_ = false;
  applyGivenSettings();
  window_->actions().launch->trigger();
  raiseGivenPanels();
}

void Workbench::raiseGivenPanels() {
  if (!isSettled() || launch_when_ready_) return;
  for (const auto& panel : std::exchange(panels_to_raise_, {})) window_->raisePanel(panel);
}

void Workbench::applyGivenSettings() {
  for (const auto& entry : given_.entries()) launch_->form()->setValue(entry.name, entry.value);
}

void Workbench::request(const QString& folder, engine::RunRequest request) {
  const auto* run = runs_.find(folder);
  if (run == nullptr || !run->is_live()) return;
  runs_.setRequested(folder, request);
  if (launcher_.isBusy() && launcher_.folder() == folder) {
    launcher_.request(request);
    return;
  }
  try {
    engine::write_control_request(folder.toStdString(), request);
  } catch (const engine::Error& error) {
    runs_.setRequested(folder, engine::RunRequest::none);
    monitor_->messages()->showProblem(error.problems().front());
  }
}

QString Workbench::demoFolder() const {
  return shippedFolder({"../../resources/demo", "../share/paradigm-workbench/demo"},
                       {"checkpoint/config.json", "run.yaml"});
}

QString Workbench::presetsFolder() const {
  return shippedFolder({"../../configs/transforms", "../share/paradigm-workbench/transforms"}, {});
}

void Workbench::openDemo() {
  const QString demo = demoFolder();
  if (demo.isEmpty()) return;
  openPaths({demo + QStringLiteral("/run.yaml")});
}

bool Workbench::mayClose() {
  if (!closing_ && !files_->mayLeave()) return false;
  if (launcher_.isBusy() && !closing_) {
    const auto* run = runs_.find(launcher_.folder());
    QMessageBox box(QMessageBox::Question, tr("A run is training in this window"),
                    tr("%1 is training in this window and ends with it.")
                        .arg(run != nullptr ? run->name : launcher_.folder()),
                    QMessageBox::NoButton, window_.get());
    box.setObjectName(QStringLiteral("close_question"));
    box.setInformativeText(
        tr("It can be stopped after the current step, with a checkpoint to "
           "resume from."));
    auto* stop = box.addButton(tr("Checkpoint and &stop"), QMessageBox::AcceptRole);
    stop->setObjectName(QStringLiteral("close_question.stop"));
    auto* cancel = box.addButton(QMessageBox::Cancel);
    cancel->setObjectName(QStringLiteral("close_question.cancel"));
    box.setDefaultButton(stop);
    box.setEscapeButton(cancel);
    box.exec();
    if (box.clickedButton() != stop) return false;
    if (launcher_.isBusy()) {
      closing_ = true;
      request(launcher_.folder(), engine::RunRequest::stop);
      window_->messages()->showMessage(
          engine::Severity::note, tr("Saving a checkpoint; the window closes when it is written."));
      return false;
    }
  }
  if (launcher_.isBusy()) return false;
  if (settings_ != nullptr) window_->saveLayout(*settings_);
  if (autosave_ != nullptr) autosave_->forget();
  return true;
}

void Workbench::setTheme(widgets::Theme theme) {
  widgets::apply_theme(*qApp, theme);
  if (settings_ != nullptr) {
    settings_->setValue(kThemeKey, theme == widgets::Theme::light  ? QStringLiteral("light")
                                   : theme == widgets::Theme::dark ? QStringLiteral("dark")
                                                                   : QStringLiteral("system"));
  }
}

void Workbench::updateEngineChip() {
  show_engine(window_->statusChip(QStringLiteral("engine")),
              window_->statusChip(QStringLiteral("device")), engine_);
}

void Workbench::updateRunChip() { show_run(window_->statusChip(QStringLiteral("run")), runs_); }

void Workbench::updateProblemChip() {
  show_problem_count(window_->statusChip(QStringLiteral("problems")), *edit_->problems()->model());
}

void Workbench::updateActions() {
  const auto* run = runs_.find(selection_.run());
  const bool live = run != nullptr && run->is_live();
  const bool stoppable = live && run->requested != engine::RunRequest::stop &&
                         run->state != engine::RunState::stopping;
  window_->actions().stop->setEnabled(stoppable);
  window_->actions().checkpoint_now->setEnabled(live && run->state == engine::RunState::running &&
                                                run->requested == engine::RunRequest::none);
  QString reason;
  if (engine_.state() == EngineLoader::State::unavailable) {
    reason = tr("The engine is unavailable; the status bar says why.");
  } else if (engine_.api() == nullptr) {
    reason = tr("The engine is still loading.");
  } else if (launcher_.isBusy()) {
    reason = tr("A run is training; one run at a time.");
  }
  launch_->setBlocked(reason);
  monitor_->setResumeBlocked(reason);
  window_->actions().launch->setEnabled(reason.isEmpty());
}

void Workbench::takeScreenshot(const QString& file) {
  if (!isSettled()) {
    QTimer::singleShot(20, this, [this, file] { takeScreenshot(file); });
    return;
  }
  const bool written = window_->grab().save(file, "PNG");
  if (!written) {
    fprintf(stderr, "%s: the picture could not be written; check that the folder exists\n",
            qPrintable(file));
  }
  launcher_.request(engine::RunRequest::stop);
  QApplication::exit(written ? 0 : 1);
}

}  // namespace app
