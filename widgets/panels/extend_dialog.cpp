// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/extend_dialog.h"

#include "widgets/style/metrics.h"
#include "widgets/style/number_text.h"
#include "widgets/style/theme.h"

#include <QDialogButtonBox>
#include <QFormLayout>
#include <QLabel>
#include <QPushButton>
#include <QRadioButton>
#include <QSpinBox>
#include <QVBoxLayout>

#include <algorithm>
#include <limits>

namespace widgets {

ExtendDialog::ExtendDialog(const QString& run, std::int64_t step, std::int64_t max_steps,
                           QWidget* parent)
    : QDialog(parent),
      before_(max_steps),
      steps_(new QSpinBox(this)),
      stretch_(new QRadioButton(tr("&Stretch the schedule over all steps"), this)),
      keep_(new QRadioButton(tr("&Continue the schedule as it is"), this)),
      meaning_(new QLabel(this)) {
  setObjectName(QStringLiteral("extend"));
  setWindowTitle(tr("Extend %1").arg(run));
  constexpr auto kMost = std::int64_t{std::numeric_limits<int>::max()};
  steps_->setObjectName(QStringLiteral("extend.max_steps"));
  steps_->setAccessibleName(tr("max_steps"));
  steps_->setToolTip(tr("All steps of the run, those it has done included"));
  steps_->setGroupSeparatorShown(true);
  steps_->setRange(static_cast<int>(std::min(max_steps + 1, kMost)), static_cast<int>(kMost));
  steps_->setValue(
      static_cast<int>(std::min(max_steps + std::max<std::int64_t>(max_steps / 2, 1), kMost)));
  stretch_->setObjectName(QStringLiteral("extend.stretch"));
  keep_->setObjectName(QStringLiteral("extend.continue"));
  stretch_->setChecked(true);
  meaning_->setObjectName(QStringLiteral("extend.meaning"));
  meaning_->setWordWrap(true);
  meaning_->setMinimumWidth(characters(this, 64));
  meaning_->setMinimumHeight(lines(this, 3.4));
  meaning_->setAlignment(Qt::AlignTop | Qt::AlignLeft);
  QPalette quiet = palette();
  quiet.setColor(QPalette::WindowText, muted_text(palette()));
  meaning_->setPalette(quiet);

  auto* form = new QFormLayout;
  form->addRow(tr("Now"), new QLabel(tr("step %1 of %2").arg(grouped(step), grouped(max_steps))));
  form->addRow(tr("&max_steps"), steps_);
  form->addRow(tr("Learning rate"), stretch_);
  form->addRow(QString(), keep_);
  auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel, this);
  auto* extend = buttons->addButton(tr("&Extend"), QDialogButtonBox::AcceptRole);
  extend->setObjectName(QStringLiteral("extend.accept"));
  extend->setDefault(true);
  auto* column = new QVBoxLayout(this);
  column->setSpacing(lines(this, 0.6));
  column->addLayout(form);
  column->addWidget(meaning_);
  column->addWidget(buttons);
  connect(buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
  connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
  connect(steps_, &QSpinBox::valueChanged, this, &ExtendDialog::describe);
  connect(stretch_, &QRadioButton::toggled, this, &ExtendDialog::describe);
  describe();
}

engine::RunExtension ExtendDialog::extension() const {
  return {.max_steps = steps_->value(),
          .schedule = stretch_->isChecked() ? engine::ScheduleChange::stretch
                                            : engine::ScheduleChange::keep};
}

void ExtendDialog::describe() {
  meaning_->setText(
      stretch_->isChecked()
          ? tr("The learning rate's course is drawn anew over all %1 steps: at the next step it "
               "jumps to where that course stands. A checkpoint is saved first.")
                .arg(grouped(steps_->value()))
          : tr("The learning rate goes on to the old end at step %1 as before; the steps beyond "
               "run at its last value there. A checkpoint is saved first.")
                .arg(grouped(before_)));
}

}  // namespace widgets
