// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/workbench.h"

#include "app/engine_library.h"
#include "app/workbench/autosave.h"
#include "app/workbench/compare_workspace.h"
#include "app/workbench/document_files.h"
#include "app/workbench/edit_workspace.h"
#include "app/workbench/launch_service.h"
#include "app/workbench/main_window.h"
#include "app/workbench/palette_entries.h"
#include "app/workbench/run_workspace.h"
#include "app/workbench/status_chips.h"
#include "app/workbench/study_workspace.h"
#include "app/workbench/trial_workspace.h"
#include "engine/config/run_config.h"
#include "engine/error.h"
#include "widgets/forms/param_form.h"
#include "widgets/models/problems_model.h"
#include "widgets/panels/command_palette.h"
#include "widgets/panels/compare_panel.h"
#include "widgets/panels/histogram_panel.h"
#include "widgets/panels/launch_panel.h"
#include "widgets/panels/layer_assignment_panel.h"
#include "widgets/panels/message_bar.h"
#include "widgets/panels/presets_panel.h"
#include "widgets/panels/problems_panel.h"
#include "widgets/panels/start_page.h"

#include <QApplication>
#include <QDateTime>
#include <QDir>
#include <QFileDialog>
#include <QFileInfo>
#include <QInputDialog>
#include <QLineEdit>
#include <QMenu>
#include <QMessageBox>
#include <QPushButton>
#include <QSettings>
#include <QTimer>
#include <QToolButton>

#include <algorithm>
#include <filesystem>
#include <utility>

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
      looks_(settings_.get()),
      engine_(std::move(load_engine)),
      run_(std::make_unique<RunWorkspace>(&selection_, &engine_, settings_.get(), &looks_)),
      edit_(std::make_unique<EditWorkspace>(&selection_, &run_->store())),
      window_(std::make_unique<MainWindow>()),
      trial_(std::make_unique<TrialWorkspace>(edit_.get(), &selection_)) {
  makePanels();
  files_ = std::make_unique<DocumentFiles>(edit_->document(), window_.get(), window_->messages());
  edit_actions_ = add_edit_actions(window_.get(), edit_.get(), files_.get());
  launch_service_ = std::make_unique<LaunchService>(run_->launchPanel(), &engine_, &run_->store(),
                                                    settings_.get());
  connectWindow();
  connectEditing();
  connectRuns();
  connectCompare();
  launch_service_->restore();
  connectTrial();
  if (settings_ != nullptr) {
    window_->restoreLayout(*settings_);
    window_->setRecent(settings_->value(kRecentKey).toStringList());
  }
  window_->startPage()->setDemoAvailable(!demoFolder().isEmpty());
  window_->actions().open_demo->setEnabled(!demoFolder().isEmpty());
  updateEngineChip();
  updateProblemChip();
  run_->updateActions();
}

Workbench::~Workbench() = default;

void Workbench::makePanels() {
  for (const char* chip : {"engine", "device", "run", "problems"}) {
    window_->statusChip(QLatin1String(chip));
  }
  edit_->addPanels(window_.get());
  run_->addPanels(window_.get());
  study_ = new StudyWorkspace(&selection_, run_.get(), this);
  study_->addPanel(window_.get());
  compare_panel_ = new widgets::ComparePanel(&selection_);
  compare_ = new CompareWorkspace(compare_panel_, settings_.get(), &looks_, this);
  window_->addPanel(QStringLiteral("compare"), tr("Compare"), compare_panel_);
  trial_->addPanels(window_.get());
  window_->arrangeDocks();
}

void Workbench::connectTrial() {
  const auto tell_engine = [this] {
    trial_->setEngine(engine_.api(), engine_.state() == EngineLoader::State::unavailable
                                         ? tr("The engine is unavailable; the status bar says why.")
                                         : tr("The engine is still loading."));
  };
  connect(&engine_, &EngineLoader::stateChanged, trial_.get(), tell_engine);
  connect(&engine_, &EngineLoader::stateChanged, this, &Workbench::startGivenTrials);
  connect(edit_.get(), &EditWorkspace::viewChanged, this, &Workbench::startGivenTrials,
          Qt::QueuedConnection);
  auto* form = run_->launchPanel()->form();
  connect(form, &widgets::ParamForm::changed, trial_.get(),
          [this, form] { trial_->setRunValues(form->values()); });
  trial_->setRunValues(form->values());
  const QString demo = demoFolder();
  if (!demo.isEmpty()) {
    // As a user would write it, where the program was started in its checkout.
    QString text = demo + QStringLiteral("/stories_validation.txt");
    const QString below = QDir::current().relativeFilePath(text);
    if (!below.startsWith(QLatin1String(".."))) text = below;
    trial_->setSample(demo + QStringLiteral("/checkpoint"), text);
  }
}

/// Runs are read for the comparison when it is looked at, and from then on.
void Workbench::connectCompare() {
  connect(window_.get(), &MainWindow::workspaceChanged, this, [this] {
    if (window_->workspace() != Workspace::compare || compares_given_) return;
    QStringList folders;
    for (const auto& run : run_->store().runs()) folders << run->folder;
    compare_->addPaths(folders);
  });
  connect(&run_->store(), &widgets::RunStore::runAdded, this, [this](const QString& folder) {
    if (window_->workspace() == Workspace::compare && !compares_given_)
      compare_->expect({folder}, false);
  });
  compare_panel_->setCanQueue(true);
  connect(compare_panel_, &widgets::ComparePanel::replicasRequested, this, &Workbench::queueRuns);
}

/// One after the other, and as soon as devices are free.
void Workbench::queueRuns(const std::vector<engine::ParamValues>& runs) {
  QStringList folders;
  try {
    for (const engine::ParamValues& values : runs)
      folders << run_->enqueue({.values = values, .place = {}, .prediction = {}});
  } catch (const engine::Error& error) {
    compare_panel_->messages()->showProblem(error.problems().front());
  }
  if (folders.isEmpty()) return;
  compare_->expect(folders, true);
  compare_panel_->messages()->showMessage(
      engine::Severity::note,
      folders.size() == 1 ? tr("1 run is queued.") : tr("%1 runs are queued.").arg(folders.size()),
      tr("The queue stands in the Run workspace. Each run joins the comparison once it has "
         "started."));
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
  auto* open_remote = window_->makeAction(
      QStringLiteral("open_remote"), tr("Watch runs on another &machine…"),
      tr("Watch the runs below a folder of another machine, through your own ssh"),
      QStringLiteral("folder"), {});
  window_->fileMenu()->insertAction(actions.open_demo, open_remote);
  connect(open_remote, &QAction::triggered, this, [this] {
    const QString address =
        QInputDialog::getText(window_.get(), tr("Watch runs on another machine"),
                              tr("Address of a folder of runs, reached as ssh reaches it:"),
                              QLineEdit::Normal, QStringLiteral("ssh://host/path/of/the/runs"));
    if (!address.isEmpty()) openPaths({address.trimmed()});
  });
  auto* start = window_->startPage();
  connect(actions.open_checkpoint, &QAction::triggered, this, ask_checkpoint);
  connect(start, &widgets::StartPage::openCheckpointRequested, this, ask_checkpoint);
  connect(edit_.get(), &EditWorkspace::openCheckpointRequested, this, ask_checkpoint);
  connect(actions.open_transform, &QAction::triggered, this, ask_transform);
  connect(start, &widgets::StartPage::openConfigRequested, this, ask_transform);
  connect(edit_.get(), &EditWorkspace::openTransformRequested, this, ask_transform);
  connect(actions.open_run, &QAction::triggered, this, ask_run);
  connect(start, &widgets::StartPage::openRunRequested, this, ask_run);
  connect(run_.get(), &RunWorkspace::openRequested, this, ask_run);
  connect(study_, &StudyWorkspace::openRequested, this, [this] {
    const QString file = QFileDialog::getOpenFileName(window_.get(), tr("Open a study"), QString(),
                                                      tr("YAML files (*.yaml *.yml)"));
    if (!file.isEmpty()) openPaths({file});
  });
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
  connect(window_->statusChip(QStringLiteral("problems")), &QToolButton::clicked, this, [this] {
    window_->setWorkspace(Workspace::edit);
    window_->raisePanel(QStringLiteral("problems"));
  });
}

void Workbench::connectEditing() {
  connect(edit_.get(), &EditWorkspace::viewChanged, this, [this] {
    run_->launchPanel()->setDocument(edit_->document()->file(), edit_->view()->problems,
                                     files_->hasUnsavedWork());
    const QString title = edit_->title();
    window_->setWindowTitle(title.isEmpty() ? tr("Paradigm Workbench")
                                            : tr("%1 – Paradigm Workbench").arg(title));
    window_->setWindowModified(edit_->document()->isModified());
    const bool unsaved = files_->hasUnsavedWork();
    window_->actions().launch->setText(unsaved ? tr("Save and &launch") : tr("&Launch"));
    run_->launchPanel()->launchButton()->setText(window_->actions().launch->text());
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
    autosave_->setGuard([this] { return files_->mayLeave(); });
    connect(qApp, &QGuiApplication::applicationStateChanged, autosave_.get(), &Autosave::keep);
  }
  palette_ = new widgets::CommandPalette(window_.get());
  auto* find = window_->makeAction(QStringLiteral("palette"), tr("&Find anything…"),
                                   tr("Find a command, layer, rule, run or setting"),
                                   QStringLiteral("search"), QKeySequence(Qt::CTRL | Qt::Key_K));
  window_->editMenu()->addAction(find);
  connect(find, &QAction::triggered, this, [this] {
    palette_->open(palette_entries(window_.get(), *edit_->view(), run_->store(), &selection_,
                                   run_->launchPanel()));
  });
  connect(edit_actions_.make_rule, &QAction::triggered, edit_.get(), &EditWorkspace::makeRule);
  connect(files_.get(), &DocumentFiles::saved, this, [this](const QString& file) {
    run_->launchPanel()->form()->setValue("transform_config", file.toStdString());
    remember(file);
  });
}

void Workbench::connectRuns() {
  connect(&engine_, &EngineLoader::stateChanged, this, [this] {
    updateEngineChip();
    run_->updateActions();
    launchWhenReady();
  });
  connect(&selection_, &widgets::Selection::runChanged, this, [this] {
    if (window_->workspace() == Workspace::run) edit_->histogram()->showApplied();
  });
  connect(run_.get(), &RunWorkspace::launchRequested, this, &Workbench::saveAndLaunch);
  connect(run_.get(), &RunWorkspace::launched, launch_service_.get(), &LaunchService::launched);
  connect(&run_->launcher(), &RunLauncher::started, launch_service_.get(),
          [this] { launch_service_->setTraining(true); });
  connect(&run_->launcher(), &RunLauncher::ended, launch_service_.get(),
          [this] { launch_service_->setTraining(run_->launcher().isBusy()); });
  connect(run_.get(), &RunWorkspace::launched, this, [this] { edit_->histogram()->showApplied(); });
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

  is_for_picture_ = !options.screenshot.isEmpty();
  QStringList paths = options.open + options.runs;
  launch_when_ready_ = options.launch;
  try_when_ready_ = options.try_it;
  scan_when_ready_ = options.scan;
  estimate_when_ready_ = options.estimate;
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
  if (!wrong.empty()) refuse(wrong.front());

  run_->addRoot(QDir(QDir::currentPath()).absoluteFilePath(QStringLiteral("runs")));
  run_->takeUp();
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
    startGivenTrials();
    // What is opened takes the messages of before away; this one must not be lost.
    if (autosave_ != nullptr) autosave_->offerRecovered();
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
                      refuse(result.problems.front());
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
      run_->launchPanel()->form()->setValue("model_name_or_path", opened.path.toStdString());
      files_->setSuggestedFolder(QFileInfo(opened.path).absolutePath());
      edit_->setCheckpoint(opened.checkpoint);
      trial_->setCheckpoint(opened.path, opened.run_values);
      break;
    case PathKind::transform:
      takeTransform(opened);
      break;
    case PathKind::run_config:
      run_->launchPanel()->form()->setValues(opened.run_values);
      if (!opened.remarks.empty()) window_->messages()->showProblem(opened.remarks.front());
      applyGivenSettings();
      window_->setStartPageShown(false);
      for (const char* name : {"transform_config", "model_name_or_path"}) {
        const QString path = text_in(opened.run_values, name);
        if (!path.isEmpty() && QFileInfo::exists(path)) to_open_.prepend(path);
      }
      break;
    case PathKind::run:
      run_->open(opened.path);
      break;
    case PathKind::runs:
      run_->openRoot(opened.path);
      window_->setWorkspace(Workspace::run);
      window_->raisePanel(QStringLiteral("runs"));
      break;
    case PathKind::study:
      study_->show(*opened.study);
      break;
  }
}

void Workbench::remember(const QString& path) {
  if (settings_ == nullptr) return;
  QStringList recent = settings_->value(kRecentKey).toStringList();
  recent.removeAll(path);
  recent.prepend(path);
  recent.erase(std::remove_if(recent.begin(), recent.end(),
                              [](const QString& one) {
                                return !one.startsWith(QLatin1String("ssh://")) &&
                                       !QFileInfo::exists(one);
                              }),
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
  run_->launchPanel()->form()->setValue("transform_config", opened.path.toStdString());
  edit_->openDocument(opened.path, opened.transform->config.source_text);
}

void Workbench::saveAndLaunch(const widgets::LaunchRequest& request) {
  widgets::LaunchRequest given = request;
  const QString file = edit_->document()->file();
  const QString wanted = text_in(request.values, "transform_config");
  // What is on the screen is what runs: the open document, unless another file is asked for.
  const bool is_meant = file.isEmpty() ? wanted.isEmpty() : wanted == file;
  if (is_meant && files_->hasUnsavedWork()) {
    if (!files_->save()) return;
    given.values.set("transform_config", edit_->document()->file().toStdString());
  }
  run_->launch(given);
}

void Workbench::launchWhenReady() {
  if (!launch_when_ready_ || engine_.api() == nullptr || !isSettled()) {
    if (launch_when_ready_ && edit_->isPlanning()) {
      QTimer::singleShot(20, this, &Workbench::launchWhenReady);
    }
    return;
  }
  launch_when_ready_ = false;
  if (study_->isOpen()) {
    study_->runMissing();
  } else {
    applyGivenSettings();
    window_->actions().launch->trigger();
  }
  raiseGivenPanels();
}

void Workbench::startGivenTrials() {
  if (engine_.api() == nullptr || !isSettled() || !edit_->view()->has_plan()) return;
  if (std::exchange(try_when_ready_, false)) trial_->tryNow();
  if (std::exchange(scan_when_ready_, false)) trial_->scanNow();
  if (std::exchange(estimate_when_ready_, false)) run_->launchPanel()->estimate();
}

void Workbench::raiseGivenPanels() {
  if (!isSettled() || launch_when_ready_) return;
  for (const auto& panel : std::exchange(panels_to_raise_, {})) window_->raisePanel(panel);
}

void Workbench::applyGivenSettings() {
  for (const auto& entry : given_.entries())
    run_->launchPanel()->form()->setValue(entry.name, entry.value);
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
  if (!run_->isClosing() && !files_->mayLeave()) return false;
  if (!run_->mayClose()) return false;
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

void Workbench::updateProblemChip() {
  show_problem_count(window_->statusChip(QStringLiteral("problems")), *edit_->problems()->model());
}

void Workbench::refuse(const engine::Problem& problem) {
  window_->messages()->showProblem(problem);
  if (!is_for_picture_ || std::exchange(is_refused_, true)) return;
  fprintf(stderr, "%s\n", engine::to_string(problem).c_str());
  QTimer::singleShot(0, this, [this] {  // the event loop may not have begun
    run_->abandon();
    QApplication::exit(2);
  });
}

void Workbench::takeScreenshot(const QString& file) {
  if (is_refused_) return;
  if (!isSettled() || trial_->isBusy() || launch_service_->estimator().isRunning()) {
    QTimer::singleShot(20, this, [this, file] { takeScreenshot(file); });
    return;
  }
  const bool written = window_->grab().save(file, "PNG");
  if (!written) {
    fprintf(stderr, "%s: the picture could not be written; check that the folder exists\n",
            qPrintable(file));
  }
  run_->abandon();
  QApplication::exit(written ? 0 : 1);
}

}  // namespace app
