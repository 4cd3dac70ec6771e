// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/trial_workspace.h"

#include "app/workbench/edit_workspace.h"
#include "app/workbench/main_window.h"
#include "app/workbench/open_path.h"
#include "engine/config/run_config.h"
#include "engine/transform/transform_plan.h"
#include "engine/trial/keep_digital.h"
#include "widgets/models/scan_model.h"
#include "widgets/panels/layer_assignment_panel.h"
#include "widgets/panels/message_bar.h"
#include "widgets/panels/scan_panel.h"
#include "widgets/panels/try_panel.h"

#include <QDateTime>
#include <QDir>
#include <QEvent>
#include <QFileInfo>

#include <algorithm>
#include <cmath>

namespace app {
namespace {

constexpr int kRestMs = 250;

/// Changes when weights or configuration are written anew.
QString stamp_of(const QString& folder) {
  QString stamp;
  const auto files = QDir(folder).entryInfoList(
      {QStringLiteral("*.safetensors"), QStringLiteral("*.json")}, QDir::Files, QDir::Name);
  for (const QFileInfo& file : files) {
    stamp += QStringLiteral("%1 %2 %3\n")
                 .arg(file.fileName())
                 .arg(file.size())
                 .arg(file.lastModified().toMSecsSinceEpoch());
  }
  return stamp;
}

bool is_cancelled(const std::vector<engine::Problem>& problems) {
  return !problems.empty() && problems.front().id == "cancelled";
}

}  // namespace

TrialWorkspace::TrialWorkspace(EditWorkspace* edit, widgets::Selection* selection, QObject* parent)
    : QObject(parent),
      edit_(edit),
      try_(new widgets::TryPanel),
      scan_(new widgets::ScanPanel(selection)),
      no_engine_(tr("The engine is still loading.")) {
  restart_.setSingleShot(true);
  restart_.setInterval(kRestMs);
  try_->installEventFilter(this);
  scan_->installEventFilter(this);
  connect(try_, &widgets::TryPanel::runRequested, this, &TrialWorkspace::tryNow);
  connect(try_, &widgets::TryPanel::cancelRequested, this, &TrialWorkspace::cancel);
  connect(try_, &widgets::TryPanel::settingsChanged, this, &TrialWorkspace::update);
  connect(scan_, &widgets::ScanPanel::runRequested, this, &TrialWorkspace::scanNow);
  connect(scan_, &widgets::ScanPanel::pauseRequested, this, &TrialWorkspace::pauseScan);
  connect(scan_, &widgets::ScanPanel::applyRequested, this, &TrialWorkspace::applyProposal);
  connect(scan_, &widgets::ScanPanel::measureChanged, this, [this] {
    if (shows_scan_) paint();
  });
  connect(edit_, &EditWorkspace::viewChanged, this, &TrialWorkspace::followEdits);
  connect(&restart_, &QTimer::timeout, this, [this] {
    const Work again = std::exchange(again_, Work::none);
    if (again == Work::trying) tryNow();
    if (again == Work::scanning) scanNow();
  });
  connectRunner();
  update();
}

TrialWorkspace::~TrialWorkspace() = default;

void TrialWorkspace::connectRunner() {
  connect(&runner_, &TrialRunner::progressed, this,
          [this](const QString& stage, double done, double total) {
            if (work_ == Work::trying) try_->showProgress(stage, done, total);
            if (work_ == Work::scanning) scan_->showProgress(stage, done, total);
          });
  const auto show_try = [this](const engine::TrialResult& result) {
    try_->showResult(result);
    warnOfUnknownText(result.plain_loss);
    shows_scan_ = false;
    if (result.is_complete) finished();
    paint();
  };
  connect(&runner_, &TrialRunner::triedSoFar, this, show_try);
  connect(&runner_, &TrialRunner::tried, this, show_try);
  connect(&runner_, &TrialRunner::entryMeasured, this, [this](const engine::ScanEntry& entry) {
    shows_scan_ = true;
    scan_->take(entry);
  });
  connect(&runner_, &TrialRunner::scanned, this, [this](const engine::ScanResult& result) {
    shows_scan_ = true;
    finished();
    scan_->showResult(result);
    update();
  });
  connect(&runner_, &TrialRunner::failed, this,
          [this](const std::vector<engine::Problem>& problems) {
            const bool was_scan = work_ == Work::scanning;
            finished();
            if (is_cancelled(problems)) return;
            (was_scan ? scan_->messages() : try_->messages())->showProblem(problems.front());
          });
}

/// Of a text that the model has not learnt, a loss says little about a transform.
void TrialWorkspace::warnOfUnknownText(double plain_loss) {
  const auto& checkpoint = edit_->view()->checkpoint;
  if (checkpoint == nullptr) return;
  const double guessing = std::log(static_cast<double>(checkpoint->config.vocab_size));
  if (!(plain_loss >= guessing)) return;
  try_->messages()->showMessage(
      engine::Severity::warning,
      tr("The plain model does no better on this text (loss %1) than guessing (%2).")
          .arg(plain_loss, 0, 'f', 2)
          .arg(guessing, 0, 'f', 2),
      tr("What a transform does to it says little; choose a text like those it has learnt."));
}

void TrialWorkspace::addPanels(MainWindow* window) {
  window->addPanel(QStringLiteral("try"), tr("Try it"), try_);
  window->addPanel(QStringLiteral("scan"), tr("Sensitivity"), scan_);
}

void TrialWorkspace::setEngine(const engine::EngineApi* api, const QString& reason) {
  api_ = api;
  no_engine_ = reason;
  update();
}

void TrialWorkspace::setRunValues(const engine::ParamValues& values) {
  run_values_ = values;
  suggestTexts();
}

void TrialWorkspace::setCheckpoint(const QString& folder, const engine::ParamValues& run) {
  checkpoint_ = folder;
  checkpoint_run_ = run;
  suggestTexts();
}

void TrialWorkspace::setSample(const QString& checkpoint, const QString& text) {
  sample_checkpoint_ = checkpoint;
  sample_text_ = text;
  suggestTexts();
}

/// What the open checkpoint has learnt comes first: of a text that is new to it, the loss says
/// little about the transform.
void TrialWorkspace::suggestTexts() {
  std::vector<widgets::TextSuggestion> texts;
  const auto add = [&](const QString& file, const QString& train_file, const QString& reason) {
    const bool is_known = std::any_of(texts.begin(), texts.end(),
                                      [&](const auto& text) { return text.file == file; });
    if (!file.isEmpty() && !is_known) texts.push_back({file, train_file, reason});
  };
  const auto add_run = [&](const engine::ParamValues& values, const QString& evaluated,
                           const QString& trained) {
    const QString validation = text_in(values, "validation_file");
    const QString train = text_in(values, "train_file");
    add(validation, train, evaluated);
    if (validation.isEmpty()) add(train, QString(), trained);
  };
  add_run(checkpoint_run_, tr("the run that left this checkpoint was evaluated on it"),
          tr("the run that left this checkpoint was trained on it"));
  const bool is_sample = !checkpoint_.isEmpty() && !sample_checkpoint_.isEmpty() &&
                         QFileInfo(checkpoint_) == QFileInfo(sample_checkpoint_);
  if (is_sample) add(sample_text_, QString(), tr("the demo's checkpoint has learnt such text"));
  add_run(run_values_, tr("the run in the launch form is evaluated on it"),
          tr("the run in the launch form is trained on it"));
  try_->suggestTexts(std::move(texts));
}

QString TrialWorkspace::blockedBecause() const {
  if (api_ == nullptr) return no_engine_;
  const auto& view = edit_->view();
  if (view->checkpoint == nullptr) return tr("Open a checkpoint first.");
  if (view->transform == nullptr) return tr("Open a transform first.");
  if (view->is_stale || engine::has_errors(view->problems))
    return tr("The transform has errors; the panel Problems names them.");
  if (try_->textFile().isEmpty()) return tr("Choose a text to measure on.");
  return {};
}

void TrialWorkspace::update() {
  const QString reason = blockedBecause();
  try_->setBlocked(reason);
  scan_->setBlocked(reason);
  if (!scan_->result()) return;
  const auto& layers = scan_->result()->proposal.layers;
  const auto& plan = edit_->view()->plan;
  const bool is_applied = std::none_of(layers.begin(), layers.end(), [&](const auto& layer) {
    const auto* assignment = plan.find(layer);
    return assignment != nullptr && assignment->outcome == engine::Outcome::transformed;
  });
  scan_->setProposalBlocked(is_applied ? tr("These layers are left alone already.")
                            : edit_->ruleEditor()->canEdit()
                                ? QString()
                                : tr("The text cannot be edited as it is."));
}

void TrialWorkspace::followEdits() {
  const auto& view = edit_->view();
  const bool is_planned = view->has_plan() && !view->is_stale;
  const std::string digest =
      is_planned ? engine::transform_digest(view->plan) + view->checkpoint->folder.toStdString()
                 : std::string();
  update();
  if (digest == digest_) return;
  digest_ = digest;
  const bool try_is_old = try_->result().has_value() && try_digest_ != digest_;
  try_->setOutdated(try_is_old);
  scan_->setOutdated(!scan_digest_.empty() && scan_digest_ != digest_);
  paint();
  const bool is_running = work_ != Work::none;
  const Work wanted = is_running                             ? work_
                      : try_is_old && try_->restartsOnEdit() ? Work::trying
                                                             : Work::none;
  if (wanted == Work::none) return;
  const std::string& under_way = wanted == Work::trying ? try_digest_ : scan_digest_;
  if (runner_.isBusy() && under_way == digest_) return;
  runner_.cancel();
  again_ = wanted;
  restart_.start();
}

TrialRunner::Subject TrialWorkspace::subject() const {
  engine::ParamValues values;
  for (const char* name : {"tokenizer_name", "rope", "keep_linebreaks", "block_size", "bf16",
                           "seed", "device", "calibrate_batches"}) {
    if (run_values_.contains(name)) values.set(name, run_values_.get(name));
  }
  const QString folder = edit_->view()->checkpoint->folder;
  const std::string text = try_->textFile().toStdString();
  values.set("model_name_or_path", folder.toStdString());
  values.set("validation_file", text);
  for (const auto& suggestion : try_->suggestions()) {
    if (suggestion.file.toStdString() == text && !suggestion.train_file.isEmpty())
      values.set("train_file", suggestion.train_file.toStdString());
  }
  values.set("transform_config", std::string("none"));
  TrialRunner::Subject subject;
  subject.config.eval = engine::eval_config_from(values);
  subject.config.batches = try_->batches();
  subject.stamp = stamp_of(folder) + QString::number(subject.config.batches);
  for (const auto& entry : values.entries()) {
    subject.stamp +=
        QString::fromStdString(entry.name + "=" + engine::to_string(entry.value) + "\n");
  }
  return subject;
}

engine::TransformText TrialWorkspace::text() const {
  const auto* document = edit_->document();
  const std::string file = document->file().toStdString();
  return {document->text(), file.empty() ? document->name().toStdString() : file};
}

void TrialWorkspace::tryNow() {
  if (!blockedBecause().isEmpty()) {
    cancel();
    return;
  }
  if (work_ == Work::scanning) scan_waits_ = true;
  work_ = Work::trying;
  try_digest_ = digest_;
  try_->messages()->dismiss();
  try_->setRunning(true);
  runner_.tryTransform(*api_, subject(), text(), try_->options());
}

void TrialWorkspace::scanNow() {
  if (work_ == Work::trying) {
    scan_waits_ = true;
    scan_->setState(widgets::ScanPanel::State::running);
    return;
  }
  if (!blockedBecause().isEmpty()) {
    finished();
    return;
  }
  const bool goes_on =
      scan_digest_ == digest_ && (scan_->state() == widgets::ScanPanel::State::paused ||
                                  work_ == Work::scanning || scan_waits_);
  scan_waits_ = false;
  work_ = Work::scanning;
  scan_digest_ = digest_;
  if (!goes_on) scan_->clear();
  scan_->messages()->dismiss();
  scan_->setState(widgets::ScanPanel::State::running);
  runner_.scan(*api_, subject(), text(), scan_->options());
}

void TrialWorkspace::finished() {
  const Work done = std::exchange(work_, Work::none);
  if (done == Work::trying) try_->setRunning(false);
  if (done == Work::scanning) scan_->setState(widgets::ScanPanel::State::idle);
  if (done == Work::trying && scan_waits_) scanNow();
}

void TrialWorkspace::cancel() {
  if (work_ != Work::trying) return;
  restart_.stop();
  runner_.cancel();
  finished();
}

void TrialWorkspace::pauseScan() {
  scan_waits_ = false;
  if (work_ == Work::scanning) {
    restart_.stop();
    runner_.cancel();
    work_ = Work::none;
  }
  scan_->setState(widgets::ScanPanel::State::paused);
}

void TrialWorkspace::applyProposal() {
  const auto& view = edit_->view();
  if (!scan_->result() || view->transform == nullptr) return;
  const auto* document = edit_->document();
  edit_->ruleEditor()->apply(engine::keep_digital(document->text(), document->file().toStdString(),
                                                  scan_->result()->proposal.layers, view->plan,
                                                  view->transform->config.use_regex));
}

void TrialWorkspace::paint() {
  if (shows_scan_) {
    edit_->layers()->setMeasure(scan_->measure());
    return;
  }
  widgets::LayerMeasure measure;
  if (try_->result()) measure = widgets::error_measure(try_->result()->layers);
  measure.is_outdated = try_digest_ != digest_;
  edit_->layers()->setMeasure(std::move(measure));
}

bool TrialWorkspace::eventFilter(QObject* watched, QEvent* event) {
  // The tree shows what the panel in front is about.
  if (event->type() == QEvent::Show) {
    const bool is_scan = watched == scan_;
    const bool has_any = is_scan ? !scan_->measure().empty() : try_->result().has_value();
    if (has_any && is_scan != shows_scan_) {
      shows_scan_ = is_scan;
      paint();
    }
  }
  return QObject::eventFilter(watched, event);
}

}  // namespace app
