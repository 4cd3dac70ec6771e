// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/launch_panel.h"

#include "engine/config/run_config.h"
#include "engine/config/train_command.h"
#include "widgets/forms/param_form.h"
#include "widgets/panels/cost_view.h"
#include "widgets/panels/launch_checks.h"
#include "widgets/panels/launch_tools.h"
#include "widgets/panels/message_bar.h"
#include "widgets/style/metrics.h"
#include "widgets/style/number_text.h"
#include "widgets/style/symbol_icon.h"

#include <QComboBox>
#include <QFileInfo>
#include <QFrame>
#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QVBoxLayout>

#include <algorithm>
#include <iterator>

namespace widgets {
namespace {

constexpr int kCheckAfterMs = 400;
/// Above it a run should not end with the window.
constexpr double kLongRun = 3600;

bool is_error(const engine::Problem& problem) {
  return problem.severity == engine::Severity::error;
}

/// Without what changes no cost.
engine::ParamValues costly(const engine::ParamValues& values) {
  engine::ParamValues kept;
  for (const auto& entry : values.entries()) {
    if (entry.name != "output_dir" && entry.name != "overwrite_output_dir") {
      kept.set(entry.name, entry.value);
    }
  }
  return kept;
}

}  // namespace

LaunchPanel::LaunchPanel(QWidget* parent)
    : QWidget(parent),
      form_(new ParamForm(engine::train_schema(), this)),
      tools_(new LaunchTools(form_, this)),
      messages_(new MessageBar(this)),
      checks_(new LaunchChecks(this)),
      cost_(new CostView(this)),
      place_(new QComboBox(this)),
      place_label_(new QLabel(tr("&Where"), this)),
      launch_(new QPushButton(this)),
      reason_(new QLabel(this)) {
  auto* column = new QVBoxLayout(this);
  const int pad = lines(this, 0.4);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(0);
  column->addWidget(messages_);
  auto* inner = new QVBoxLayout;
  inner->setContentsMargins(pad, pad, pad, pad);
  inner->setSpacing(pad);
  inner->addWidget(tools_);
  inner->addWidget(form_, 1);
  auto* line = new QFrame(this);
  line->setFrameShape(QFrame::HLine);
  line->setFrameShadow(QFrame::Sunken);
  inner->addWidget(line);
  inner->addWidget(checks_);
  inner->addWidget(cost_);
  inner->addWidget(makeLaunchRow());
  column->addLayout(inner, 1);

  form_->foldGroups(
      {tr("Optimizer"), tr("Schedule"), tr("Saving and logging"), tr("Sentinel"), tr("Device")});
  check_timer_.setSingleShot(true);
  check_timer_.setInterval(kCheckAfterMs);
  connect(&check_timer_, &QTimer::timeout, this, &LaunchPanel::askForChecks);
  connect(form_, &ParamForm::changed, this, &LaunchPanel::formChanged);
  connect(tools_, &LaunchTools::pasted, this, &LaunchPanel::pasteCommand);
  connect(tools_, &LaunchTools::copied, this, [this](const QString& what) {
    messages_->showMessage(engine::Severity::note, tr("Copied %1.").arg(what));
  });
  connect(tools_, &LaunchTools::resetRequested, this, [this] {
    replaceValues({}, {}, false);
    messages_->showMessage(engine::Severity::note, tr("All settings stand at their defaults."));
    offerUndo();
  });
  connect(checks_, &LaunchChecks::fixRequested, this,
          [this](const engine::SettingFix& fix) { applyFix(fix.values); });
  connect(checks_, &LaunchChecks::placeRequested, this, &LaunchPanel::goTo);
  connect(cost_, &CostView::estimateRequested, this, [this] { askForEstimate(false); });
  connect(cost_, &CostView::fitRequested, this, [this] { askForEstimate(true); });
  connect(cost_, &CostView::cancelRequested, this, &LaunchPanel::estimateCancelled);
  connect(cost_, &CostView::estimateShown, this, &LaunchPanel::recommendPlace);
  setSeparateAvailable(false);
  updateButton();
  refreshChecks();
}

QWidget* LaunchPanel::makeLaunchRow() {
  auto* bar = new QWidget(this);
  auto* row = new QHBoxLayout(bar);
  row->setContentsMargins(0, 0, 0, 0);
  place_->setObjectName(QStringLiteral("launch.place"));
  place_->setAccessibleName(tr("Where the run trains"));
  place_->addItem(tr("in this window"));
  place_->addItem(tr("in a separate process"));
  place_->setItemData(0, tr("On a thread of this window: ends with it"), Qt::ToolTipRole);
  place_->setItemData(1, tr("Goes on when this window is closed"), Qt::ToolTipRole);
  place_->setToolTip(
      tr("In this window: stops at once, and ends with the window. In a separate process: goes on "
         "when the window is closed"));
  place_label_->setBuddy(place_);
  launch_->setMinimumHeight(lines(this, 1.9));
  launch_->setMinimumWidth(characters(this, 16));
  launch_->setText(tr("&Launch"));
  launch_->setIcon(symbol_icon(QStringLiteral("run")));
  launch_->setObjectName(QStringLiteral("launch.launch"));
  launch_->setAccessibleName(tr("Launch the run"));
  launch_->setToolTip(tr("Check everything, then train with these settings (Ctrl+R)"));
  reason_->setObjectName(QStringLiteral("launch.reason"));
  reason_->setWordWrap(true);
  reason_->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
  row->addWidget(launch_);
  row->addSpacing(lines(this, 0.2));
  row->addWidget(reason_, 1);
  row->addWidget(place_label_);
  row->addWidget(place_);
  connect(launch_, &QPushButton::clicked, this, &LaunchPanel::launch);
  connect(place_, &QComboBox::currentIndexChanged, this, &LaunchPanel::updateButton);
  return bar;
}

void LaunchPanel::setHereBlocked(const QString& reason) {
  here_blocked_ = reason;
  updateButton();
}

/// A process of its own loads the engine by itself.
QString LaunchPanel::blocked() const {
  return place() == LaunchPlace::in_window ? here_blocked_ : QString();
}

void LaunchPanel::updateButton() {
  launch_->setEnabled(canLaunch() && !launching_);
  reason_->setText(launching_ ? tr("Checking …") : blocked());
  if (std::exchange(could_launch_, canLaunch()) != canLaunch())
    Q_EMIT canLaunchChanged(canLaunch());
}

void LaunchPanel::setCheckable(bool checkable) {
  if (std::exchange(checkable_, checkable) == checkable) return;
  formChanged();
}

void LaunchPanel::setSeparateAvailable(bool available) {
  place_label_->setVisible(available);
  place_->setVisible(available);
  updateButton();
}

void LaunchPanel::setPlace(LaunchPlace place) {
  place_->setCurrentIndex(place == LaunchPlace::in_window ? 0 : 1);
}

LaunchPlace LaunchPanel::place() const {
  const bool separate = place_->currentIndex() == 1 && !place_->isHidden();
  return separate ? LaunchPlace::separate_process : LaunchPlace::in_window;
}

void LaunchPanel::setDocument(const QString& file, std::vector<engine::Problem> problems,
                              bool unsaved) {
  std::erase_if(problems, [](const auto& one) { return !is_error(one); });
  plan_problems_ = std::move(problems);
  document_ = file;
  unsaved_ = unsaved;
  if (unsaved && usesDocument()) cost_->setStale(true);
  refreshChecks();
}

/// Whether what is edited is what the form asks for.
bool LaunchPanel::usesDocument() const {
  const engine::ParamValue wanted = form_->values().get("transform_config");
  const auto* file = std::get_if<std::string>(&wanted);
  return file == nullptr ? document_.isEmpty() : document_.toStdString() == *file;
}

std::vector<engine::Problem> LaunchPanel::problems() const {
  std::vector<engine::Problem> problems = form_->schemaProblems();
  if (!engine::has_errors(problems)) {
    for (auto& problem : engine::problems_in(engine::run_config_from(form_->values()))) {
      problems.push_back(std::move(problem));
    }
  }
  return problems;
}

std::vector<engine::Problem> LaunchPanel::ownProblems() const {
  std::vector<engine::Problem> own = problems();
  if (usesDocument()) own.insert(own.end(), plan_problems_.begin(), plan_problems_.end());
  return own;
}

std::vector<engine::Problem> LaunchPanel::allProblems() const {
  std::vector<engine::Problem> all;
  const auto add = [&all](const std::vector<engine::Problem>& more) {
    for (const auto& problem : more) {
      const bool is_known = std::any_of(all.begin(), all.end(), [&](const auto& one) {
        return engine::to_string(one) == engine::to_string(problem);
      });
      if (!is_known) all.push_back(problem);
    }
  };
  add(pasted_problems_);
  add(ownProblems());
  add(checked_);
  if (unsaved_ && usesDocument()) {
    engine::Problem note;
    note.id = "unsaved";
    note.severity = engine::Severity::note;
    note.message =
        document_.isEmpty()
            ? tr("The transform is not saved yet: the launch saves it first").toStdString()
            : tr("%1 has unsaved changes: the launch saves them first")
                  .arg(QFileInfo(document_).fileName())
                  .toStdString();
    all.push_back(std::move(note));
  }
  return all;
}

void LaunchPanel::formChanged() {
  if (launching_) {
    launching_.reset();
    updateButton();
  }
  checked_.clear();
  if (estimated_ && !cost_->isRunning()) {
    cost_->setStale(!costly(form_->values()).same_values(*estimated_));
  }
  refreshChecks();
  if (checkable_) check_timer_.start();
}

void LaunchPanel::showEvent(QShowEvent* event) {
  QWidget::showEvent(event);
  if (checkable_) check_timer_.start();
}

void LaunchPanel::askForChecks() {
  if (!checkable_ || launching_ || !isVisible()) return;
  if (engine::has_errors(form_->schemaProblems())) return;
  Q_EMIT checksWanted(form_->values());
}

void LaunchPanel::refreshChecks() {
  const auto all = allProblems();
  checks_->setProblems(all, launching_.has_value(), attempted_);
  if (attempted_) form_->showProblems(all);
}

void LaunchPanel::setChecks(const engine::ParamValues& of, std::vector<engine::Problem> found) {
  if (!of.same_values(launching_ ? *launching_ : form_->values())) return;
  if (unsaved_ && usesDocument()) {
    // The file's old text: what will be saved has been checked as it was edited.
    std::erase_if(found, [&](const auto& one) {
      return one.place.line > 0 && one.place.file == document_.toStdString();
    });
  }
  checked_ = std::move(found);
  const bool launches = std::exchange(launching_, std::nullopt).has_value();
  updateButton();
  refreshChecks();
  if (!launches || !canLaunch()) return;
  if (engine::has_errors(checked_)) {
    giveUp(checked_);
    return;
  }
  attempted_ = false;
  Q_EMIT launchRequested(request());
}

void LaunchPanel::launch() {
  if (!canLaunch() || launching_) return;
  messages_->dismiss();
  attempted_ = true;
  pasted_problems_.clear();
  const auto found = ownProblems();
  refreshChecks();
  if (engine::has_errors(found)) {
    giveUp(found);
    // The others are worth knowing now, too.
    check_timer_.stop();
    askForChecks();
    return;
  }
  if (!checkable_) {
    attempted_ = false;
    Q_EMIT launchRequested(request());
    return;
  }
  check_timer_.stop();
  launching_ = form_->values();
  updateButton();
  refreshChecks();
  Q_EMIT checksWanted(*launching_);
}

/// Opens the list, and takes the user to the first field that is meant.
void LaunchPanel::giveUp(const std::vector<engine::Problem>& found) {
  checks_->setOpen(true);
  for (const auto& problem : found) {
    if (!is_error(problem) || problem.place.file.rfind("--", 0) != 0) continue;
    form_->reveal(problem.place.file.substr(2));
    return;
  }
}

void LaunchPanel::goTo(const engine::Place& place) {
  if (place.file.rfind("--", 0) == 0) form_->reveal(place.file.substr(2));
}

void LaunchPanel::applyFix(const engine::ParamValues& values) {
  for (const auto& entry : values.entries()) form_->setValue(entry.name, entry.value);
  if (!values.empty()) form_->reveal(values.entries().front().name);
}

LaunchRequest LaunchPanel::request() const {
  LaunchRequest request;
  request.values = form_->values();
  request.place = place();
  if (cost_->estimate() && estimated_ && costly(request.values).same_values(*estimated_)) {
    request.prediction = cost_->estimate()->prediction();
    // Of the memory only what was measured in the same kind of process is a prediction.
    if (estimated_place_ != place()) request.prediction->peak_bytes = -1;
  }
  return request;
}

QString LaunchPanel::commandLine(bool with_defaults) const {
  return tools_->commandLine(with_defaults);
}

/// The form's former values can be had back until the message goes.
void LaunchPanel::replaceValues(const engine::ParamValues& values,
                                std::vector<engine::Problem> about, bool shows_problems) {
  replaced_ = form_->values();
  pasted_problems_ = std::move(about);
  attempted_ = shows_problems;
  form_->setValues(values);
}

void LaunchPanel::offerUndo() {
  messages_->offer(QStringLiteral("launch.undo"), tr("&Undo"), [this] {
    messages_->dismiss();
    const engine::ParamValues former = replaced_;
    replaceValues(former, {}, false);
  });
}

void LaunchPanel::pasteCommand(const QString& text) {
  const engine::PastedCommand pasted = engine::read_train_command(text.toStdString());
  messages_->dismiss();
  if (!pasted.found) {
    const auto wrong = std::find_if(pasted.problems.begin(), pasted.problems.end(), is_error);
    messages_->showMessage(engine::Severity::error,
                           text.trimmed().isEmpty() ? tr("The clipboard holds no text.")
                                                    : QString::fromStdString(wrong->message),
                           QString::fromStdString(wrong->remedy));
    return;
  }
  replaceValues(pasted.values, pasted.problems, true);
  const auto left_out =
      std::count_if(pasted.problems.begin(), pasted.problems.end(),
                    [](const auto& one) { return one.severity == engine::Severity::warning; });
  const int taken = static_cast<int>(pasted.values.entries().size());
  QString said = taken == 1 ? tr("1 setting taken from the pasted command.")
                            : tr("%1 settings taken from the pasted command.").arg(taken);
  if (left_out > 0) {
    said += QLatin1Char(' ');
    said += left_out == 1 ? tr("1 thing needs a look: see the checks below.")
                          : tr("%1 things need a look: see the checks below.").arg(left_out);
  }
  messages_->showMessage(left_out > 0 ? engine::Severity::warning : engine::Severity::note, said);
  offerUndo();
  checks_->setOpen(true);
  check_timer_.stop();
  askForChecks();
}

void LaunchPanel::askForEstimate(bool fit) {
  const auto found = problems();
  if (engine::has_errors(found)) {
    attempted_ = true;
    refreshChecks();
    giveUp(found);
    return;
  }
  estimated_ = costly(form_->values());
  estimated_place_ = place();
  engine::EstimateOptions options;
  options.memory_limit = cost_->memoryLimit();
  options.fit = fit;
  Q_EMIT estimateWanted(form_->values(), options);
}

void LaunchPanel::showEstimate(const engine::CostEstimate& estimate) {
  const bool is_of_these = estimated_ && costly(form_->values()).same_values(*estimated_);
  const engine::RunConfig asked = engine::run_config_from(form_->values());
  cost_->showEstimate(estimate, estimated_place_);
  cost_->setStale(!is_of_these);
  if (!is_of_these || estimate.batch_size <= 0 ||
      estimate.batch_size == asked.per_device_train_batch_size) {
    return;
  }
  if (estimate.fits) {
    takeFitted(estimate);
  } else {
    estimated_.reset();  // what was tried last is not what the form asks for
  }
}

/// The form's former values can be had back until the message goes.
void LaunchPanel::takeFitted(const engine::CostEstimate& estimate) {
  const engine::RunConfig before = engine::run_config_from(form_->values());
  engine::ParamValues values = form_->values();
  values.set("per_device_train_batch_size", estimate.batch_size);
  values.set("gradient_accumulation_steps", estimate.accumulation);
  estimated_ = costly(values);
  replaceValues(values, {}, attempted_);
  messages_->showMessage(
      engine::Severity::note,
      tr("Micro-batches of %1 instead of %2 sequences, %3 of them in a step instead of %4: the "
         "global batch of %5 is kept.")
          .arg(estimate.batch_size)
          .arg(before.per_device_train_batch_size)
          .arg(estimate.accumulation)
          .arg(before.gradient_accumulation_steps)
          .arg(estimate.batch_size * estimate.accumulation));
  offerUndo();
}

void LaunchPanel::recommendPlace() {
  const auto& estimate = cost_->estimate();
  const bool is_long = estimate && estimate->total_seconds > kLongRun;
  if (!is_long || place() == LaunchPlace::separate_process || place_->isHidden()) return;
  messages_->showMessage(
      engine::Severity::note,
      tr("This run is predicted to take %1, and in this window it ends with the window.")
          .arg(duration_text(estimate->total_seconds)));
  messages_->offer(QStringLiteral("launch.use_separate"), tr("Use a &separate process"), [this] {
    messages_->dismiss();
    setPlace(LaunchPlace::separate_process);
  });
}

}  // namespace widgets
