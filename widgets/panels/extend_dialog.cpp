// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/extend_dialog.h"

#include "widgets/style/metrics.h"
#include "widgets/style/number_text.h"
#include "widgets/style/theme.h"

#include <QComboBox>
#include <QDialogButtonBox>
#include <QFormLayout>
#include <QLabel>
#include <QLocale>
#include <QPushButton>
#include <QRadioButton>
#include <QSpinBox>
#include <QStandardItemModel>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>
#include <limits>

namespace widgets {
namespace {

double last_rate_of(const RunRecord& run) {
  const auto rates = run.curve(Metric::learning_rate).y();
  return rates.empty() ? std::numeric_limits<double>::quiet_NaN() : rates.back();
}

}  // namespace

ExtendDialog::ExtendDialog(const RunRecord& run, QWidget* parent)
    : QDialog(parent),
      is_finished_(run.state == engine::RunState::finished),
      before_(run.max_steps),
      last_rate_(last_rate_of(run)),
      passes_per_step_(run.step > 0 ? run.epoch / static_cast<double>(run.step) : 0),
      form_(new QFormLayout),
      steps_(new QSpinBox(this)),
      stretch_(new QRadioButton(tr("&Stretch the schedule over all steps"), this)),
      keep_(new QRadioButton(
          is_finished_ ? tr("&Keep its last value") : tr("&Continue the schedule as it is"), this)),
      place_(new QComboBox(this)),
      meaning_(new QLabel(this)) {
  setObjectName(QStringLiteral("extend"));
  setWindowTitle((is_finished_ ? tr("Train %1 further") : tr("Extend %1")).arg(run.name));
  constexpr auto kMost = std::int64_t{std::numeric_limits<int>::max()};
  steps_->setObjectName(QStringLiteral("extend.max_steps"));
  steps_->setAccessibleName(tr("max_steps"));
  steps_->setToolTip(tr("All steps of the run, those it has done included"));
  steps_->setGroupSeparatorShown(true);
  steps_->setRange(static_cast<int>(std::min(before_ + 1, kMost)), static_cast<int>(kMost));
  steps_->setValue(
      static_cast<int>(std::min(before_ + std::max<std::int64_t>(before_ / 2, 1), kMost)));
  stretch_->setObjectName(QStringLiteral("extend.stretch"));
  keep_->setObjectName(QStringLiteral("extend.continue"));
  stretch_->setChecked(true);
  place_->setObjectName(QStringLiteral("extend.place"));
  place_->setAccessibleName(tr("Where the run trains"));
  place_->addItem(tr("in this window"));
  place_->addItem(tr("in a separate process"));
  place_->hide();
  meaning_->setObjectName(QStringLiteral("extend.meaning"));
  meaning_->setWordWrap(true);
  meaning_->setMinimumWidth(characters(this, 64));
  meaning_->setMinimumHeight(lines(this, 4.6));
  meaning_->setAlignment(Qt::AlignTop | Qt::AlignLeft);
  QPalette quiet = palette();
  quiet.setColor(QPalette::WindowText, muted_text(palette()));
  meaning_->setPalette(quiet);

  addRunRows(run);
  form_->addRow(tr("&max_steps"), steps_);
  form_->addRow(tr("Learning rate"), stretch_);
  form_->addRow(QString(), keep_);
  auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel, this);
  auto* extend = buttons->addButton(is_finished_ ? tr("&Train further") : tr("&Extend"),
                                    QDialogButtonBox::AcceptRole);
  extend->setObjectName(QStringLiteral("extend.accept"));
  extend->setDefault(true);
  auto* column = new QVBoxLayout(this);
  column->setSpacing(lines(this, 0.6));
  column->addLayout(form_);
  column->addWidget(meaning_);
  column->addWidget(buttons);
  connect(buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
  connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
  connect(steps_, &QSpinBox::valueChanged, this, &ExtendDialog::describe);
  connect(stretch_, &QRadioButton::toggled, this, &ExtendDialog::describe);
  describe();
}

void ExtendDialog::addRunRows(const RunRecord& run) {
  const QString step = grouped(run.step);
  form_->addRow(tr("Now"),
                new QLabel(is_finished_ ? tr("finished after step %1").arg(step)
                                        : tr("step %1 of %2").arg(step, grouped(before_))));
  if (!is_finished_ || !run.offer) return;
  auto* from = new QLabel(QStringLiteral("%1: %2").arg(
      QString::fromStdString(run.offer->checkpoint), QString::fromStdString(run.offer->restores)));
  from->setObjectName(QStringLiteral("extend.from"));
  from->setWordWrap(true);
  form_->addRow(tr("Behind"), from);
}

void ExtendDialog::offerPlaces(LaunchPlace chosen, const QString& why_not_here, bool has_separate) {
  if (!has_separate) return;
  place_->show();
  form_->addRow(tr("&Where"), place_);
  place_->setItemData(0, why_not_here, Qt::ToolTipRole);
  auto* items = qobject_cast<QStandardItemModel*>(place_->model());
  items->item(0)->setEnabled(why_not_here.isEmpty());
  const bool is_here = chosen == LaunchPlace::in_window && why_not_here.isEmpty();
  place_->setCurrentIndex(is_here ? 0 : 1);
}

engine::RunExtension ExtendDialog::extension() const {
  return {.max_steps = steps_->value(),
          .schedule = stretch_->isChecked() ? engine::ScheduleChange::stretch
                                            : engine::ScheduleChange::keep};
}

LaunchPlace ExtendDialog::place() const {
  return place_->currentIndex() == 0 ? LaunchPlace::in_window : LaunchPlace::separate_process;
}

QString ExtendDialog::courseText() const {
  if (stretch_->isChecked()) {
    return tr("The learning rate's course is drawn anew over all %1 steps: at the next step it "
              "jumps to where that course stands.")
        .arg(grouped(steps_->value()));
  }
  if (!is_finished_) {
    return tr("The learning rate goes on to the old end at step %1 as before; the steps beyond run "
              "at its last value there.")
        .arg(grouped(before_));
  }
  const QString last =
      std::isfinite(last_rate_) ? QLocale().toString(last_rate_, 'g', 3) : QString();
  return last.isEmpty()
             ? tr("The learning rate's course has come to its end: all new steps run at its last "
                  "value.")
             : tr("The learning rate's course has come to its end: all new steps run at its last "
                  "value, %1.")
                   .arg(last);
}

QString ExtendDialog::passesText() const {
  if (!(passes_per_step_ > 0)) return {};
  const auto passes = [this](std::int64_t steps) {
    return QLocale().toString(passes_per_step_ * static_cast<double>(steps), 'g', 3);
  };
  return tr("All steps are %1 passes over the text, in place of %2.")
      .arg(passes(steps_->value()), passes(before_));
}

void ExtendDialog::describe() {
  QStringList text{courseText()};
  if (!is_finished_) text << tr("A checkpoint is saved first.");
  text << passesText();
  meaning_->setText(text.join(QLatin1Char(' ')).trimmed());
}

}  // namespace widgets
