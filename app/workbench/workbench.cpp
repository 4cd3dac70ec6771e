// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/workbench.h"

#include "app/engine_library.h"
#include "app/workbench/compare_workspace.h"
#include "app/workbench/main_window.h"
#include "engine/config/run_config.h"
#include "engine/error.h"
#include "engine/transform/paradigm_info.h"
#include "widgets/forms/param_form.h"
#include "widgets/models/problems_model.h"
#include "widgets/models/run_list_model.h"
#include "widgets/panels/compare_panel.h"
#include "widgets/panels/histogram_panel.h"
#include "widgets/panels/launch_panel.h"
#include "widgets/panels/layer_assignment_panel.h"
#include "widgets/panels/layer_statistics_panel.h"
#include "widgets/panels/message_bar.h"
#include "widgets/panels/problems_panel.h"
#include "widgets/panels/run_list_panel.h"
#include "widgets/panels/run_log_panel.h"
#include "widgets/panels/run_monitor_panel.h"
#include "widgets/panels/start_page.h"
#include "widgets/panels/transform_rules_panel.h"
#include "widgets/style/number_text.h"
#include "widgets/style/symbol_icon.h"

#include <QApplication>
#include <QDateTime>
#include <QDir>
#include <QFileDialog>
#include <QFileInfo>
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

}  // namespace

Workbench::Workbench(EngineLoader::Load load_engine, std::unique_ptr<QSettings> settings)
    : settings_(std::move(settings)),
      engine_(std::move(load_engine)),
      window_(std::make_unique<MainWindow>()),
      view_(std::make_shared<widgets::PlanView>()) {
  makePanels();
  connectWindow();
  connectRuns();
  connectCompare();
  connect(&paradigm_files_, &ParadigmFileWatch::changed, this, [this] {
    if (transform_ != nullptr) openPaths({QString::fromStdString(transform_->config.file)});
  });
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
  layers_ = new widgets::LayerAssignmentPanel(&selection_);
  rules_ = new widgets::TransformRulesPanel(&selection_);
  histogram_ = new widgets::HistogramPanel(&selection_, &runs_);
  problems_ = new widgets::ProblemsPanel;
  launch_ = new widgets::LaunchPanel;
  monitor_ = new widgets::RunMonitorPanel(&selection_, &runs_);
  run_list_ = new widgets::RunListPanel(&selection_, &runs_);
  log_ = new widgets::RunLogPanel(&selection_, &runs_);
  layer_statistics_ = new widgets::LayerStatisticsPanel(&selection_, &runs_);
  window_->addPanel(QStringLiteral("layers"), tr("Layers"), layers_);
  window_->addPanel(QStringLiteral("rules"), tr("Rules"), rules_);
  window_->addPanel(QStringLiteral("histogram"), tr("Transform histogram"), histogram_);
  window_->addPanel(QStringLiteral("problems"), tr("Problems"), problems_);
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
  connect(layers_, &widgets::LayerAssignmentPanel::openRequested, this, ask_checkpoint);
  connect(actions.open_transform, &QAction::triggered, this, ask_transform);
  connect(start, &widgets::StartPage::openConfigRequested, this, ask_transform);
  connect(rules_, &widgets::TransformRulesPanel::openRequested, this, ask_transform);
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
  connect(actions.reload, &QAction::triggered, this, &Workbench::reload);
  connect(actions.filter_layers, &QAction::triggered, this, [this] {
    window_->raisePanel(QStringLiteral("layers"));
    layers_->focusFilter();
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
    if (window_->workspace() == Workspace::edit) histogram_->showPlanned();
    if (window_->workspace() == Workspace::run && !selection_.run().isEmpty()) {
      histogram_->showApplied();
    }
  });
  connect(window_.get(), &MainWindow::firstPainted, &engine_, &EngineLoader::start);
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
    if (window_->workspace() == Workspace::run) histogram_->showApplied();
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
  connect(launch_, &widgets::LaunchPanel::launchRequested, this, &Workbench::launch);
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
    histogram_->showApplied();
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
  return to_open_.isEmpty() && !open_job_.isRunning() && !plan_job_.isRunning();
}

void Workbench::openNext() {
  if (open_job_.isRunning()) return;
  if (to_open_.isEmpty()) {
    launchWhenReady();
    raiseGivenPanels();
    return;
  }
  const QString path = to_open_.takeFirst();
  layers_->setLoading(path);
  open_job_.start([path] { return open_path(path); },
                  [this](JobResult<OpenedPath> result) {
                    layers_->setLoading(QString());
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
      checkpoint_ = opened.checkpoint;
      launch_->form()->setValue("model_name_or_path", opened.path.toStdString());
      replan();
      break;
    case PathKind::transform:
      transform_ = opened.transform;
      paradigm_files_.watch(transform_->config);
      launch_->form()->setValue("transform_config", opened.path.toStdString());
      replan();
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

void Workbench::replan() {
  window_->setStartPageShown(false);
  plan_job_.start(
      [checkpoint = checkpoint_, transform = transform_] {
        return widgets::make_plan_view(checkpoint, transform, engine::paradigm_infos());
      },
      [this](JobResult<widgets::PlanViewPtr> result) {
        if (result.value) {
          showView(*result.value);
          raiseGivenPanels();
        } else {
          rules_->messages()->showProblem(result.problems.front());
        }
      });
}

void Workbench::showView(widgets::PlanViewPtr view) {
  view_ = std::move(view);
  rules_->messages()->dismiss();
  layers_->setView(view_);
  rules_->setView(view_);
  histogram_->setView(view_);
  problems_->setProblems(view_->problems);
  launch_->setPlanProblems(view_->problems);
  QStringList open;
  if (checkpoint_ != nullptr) open << QFileInfo(checkpoint_->folder).fileName();
  if (transform_ != nullptr) {
    open << QFileInfo(QString::fromStdString(transform_->config.file)).fileName();
  }
  window_->setWindowTitle(
      open.isEmpty() ? tr("Paradigm Workbench")
                     : tr("%1 – Paradigm Workbench").arg(open.join(QStringLiteral(" · "))));
  updateProblemChip();
}

void Workbench::reload() {
  QStringList paths;
  if (checkpoint_ != nullptr) paths << checkpoint_->folder;
  if (transform_ != nullptr) paths << QString::fromStdString(transform_->config.file);
  openPaths(paths);
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
    if (launch_when_ready_ && plan_job_.isRunning()) {
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
  const QDir program(QString::fromStdString(program_folder().string()));
  for (const char* place : {"../../resources/demo", "../share/paradigm-workbench/demo"}) {
    const QString folder = QDir::cleanPath(program.absoluteFilePath(QLatin1String(place)));
    if (QFileInfo::exists(folder + QStringLiteral("/checkpoint/config.json")) &&
        QFileInfo::exists(folder + QStringLiteral("/run.yaml"))) {
      return folder;
    }
  }
  return {};
}

void Workbench::openDemo() {
  const QString demo = demoFolder();
  if (demo.isEmpty()) return;
  openPaths({demo + QStringLiteral("/run.yaml")});
}

bool Workbench::mayClose() {
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
  auto* chip = window_->statusChip(QStringLiteral("engine"));
  auto* device = window_->statusChip(QStringLiteral("device"));
  QString text;
  QString tip;
  switch (engine_.state()) {
    case EngineLoader::State::waiting:
    case EngineLoader::State::loading:
      text = tr("engine: loading");
      tip = tr("Everything but training works meanwhile");
      break;
    case EngineLoader::State::ready:
      text = tr("engine: ready");
      tip = tr("LibTorch %1").arg(QString::fromStdString(engine_.devices()->torch_version));
      break;
    case EngineLoader::State::unavailable:
      text = tr("engine: unavailable");
      tip = QString::fromStdString(engine::to_string(engine_.problem()));
      chip->setIcon(widgets::symbol_icon(QStringLiteral("error"), widgets::SymbolColor::error));
      break;
  }
  chip->setText(text);
  chip->setToolTip(tip);
  chip->setAccessibleName(text);
  const auto& report = engine_.devices();
  device->setVisible(report.has_value());
  if (!report) return;
  QString name = QString::fromStdString(report->automatic);
  QStringList all;
  for (const auto& one : report->devices) {
    all << tr("%1: %2").arg(QString::fromStdString(one.id), QString::fromStdString(one.name));
    if (one.total_memory > 0) {
      all.last() += tr(", %1 free of %2")
                        .arg(widgets::bytes_text(static_cast<double>(one.free_memory)),
                             widgets::bytes_text(static_cast<double>(one.total_memory)));
    }
  }
  if (!report->cuda_problem.empty()) {
    all << QString::fromStdString(report->cuda_problem);
    device->setIcon(widgets::symbol_icon(QStringLiteral("warning"), widgets::SymbolColor::warning));
  }
  device->setText(tr("device: %1").arg(name));
  device->setToolTip(all.join(QLatin1Char('\n')));
  device->setAccessibleName(device->text());
}

void Workbench::updateRunChip() {
  auto* chip = window_->statusChip(QStringLiteral("run"));
  const widgets::RunRecord* shown = nullptr;
  int live = 0;
  for (const auto& run : runs_.runs()) {
    if (!run->is_live()) continue;
    ++live;
    if (shown == nullptr || run->in_window) shown = run.get();
  }
  QString text = tr("no run in progress");
  if (shown != nullptr) {
    text = shown->max_steps > 0
               ? tr("%1: %2, %3 of %4")
                     .arg(shown->name, widgets::state_text(shown->state),
                          widgets::grouped(shown->step), widgets::grouped(shown->max_steps))
               : tr("%1: %2").arg(shown->name, widgets::state_text(shown->state));
    if (live > 1) text += tr(" and %1 more").arg(live - 1);
  }
  chip->setText(text);
  chip->setToolTip(tr("Show the run"));
  chip->setAccessibleName(text);
}

void Workbench::updateProblemChip() {
  auto* chip = window_->statusChip(QStringLiteral("problems"));
  const auto* model = problems_->model();
  const int errors = model->count(engine::Severity::error);
  const int warnings = model->count(engine::Severity::warning);
  QString text = tr("no problems");
  QIcon icon;
  if (errors > 0) {
    icon = widgets::symbol_icon(QStringLiteral("error"), widgets::SymbolColor::error);
  } else if (warnings > 0) {
    icon = widgets::symbol_icon(QStringLiteral("warning"), widgets::SymbolColor::warning);
  }
  const int all = model->rowCount();
  if (all == 1) text = tr("1 problem");
  if (all > 1) text = tr("%1 problems").arg(all);
  chip->setIcon(icon);
  chip->setText(text);
  chip->setToolTip(tr("%1 errors, %2 warnings, %3 notes")
                       .arg(errors)
                       .arg(warnings)
                       .arg(all - errors - warnings));
  chip->setAccessibleName(text);
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
