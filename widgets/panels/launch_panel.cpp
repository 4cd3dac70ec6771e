// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/launch_panel.h"

#include "engine/config/run_config.h"
#include "widgets/forms/param_form.h"
#include "widgets/panels/message_bar.h"
#include "widgets/style/metrics.h"
#include "widgets/style/symbol_icon.h"

#include <QApplication>
#include <QClipboard>
#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QRegularExpression>
#include <QToolButton>
#include <QVBoxLayout>

#include <algorithm>

namespace widgets {

LaunchPanel::LaunchPanel(QWidget* parent)
    : QWidget(parent),
      form_(new ParamForm(engine::train_schema(), this)),
      messages_(new MessageBar(this)),
      launch_(new QPushButton(this)),
      reason_(new QLabel(this)) {
  auto* column = new QVBoxLayout(this);
  const int pad = lines(this, 0.4);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(0);
  column->addWidget(messages_);
  auto* inner = new QVBoxLayout;
  inner->setContentsMargins(pad, pad, pad, pad);
  inner->addWidget(form_, 1);
  column->addLayout(inner, 1);

  inner->addSpacing(pad);
  auto* buttons = new QHBoxLayout;
  launch_->setMinimumHeight(lines(this, 1.9));
  launch_->setMinimumWidth(characters(this, 16));
  launch_->setText(tr("&Launch"));
  launch_->setIcon(symbol_icon(QStringLiteral("run")));
  launch_->setObjectName(QStringLiteral("launch.launch"));
  launch_->setAccessibleName(tr("Launch the run"));
  launch_->setToolTip(tr("Train with these settings in this window (Ctrl+R)"));
  reason_->setObjectName(QStringLiteral("launch.reason"));
  reason_->setWordWrap(true);
  reason_->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
  buttons->addWidget(launch_);
  buttons->addSpacing(pad);
  buttons->addWidget(reason_, 1);
  auto* copy = new QToolButton(this);
  copy->setIcon(symbol_icon(QStringLiteral("copy")));
  copy->setObjectName(QStringLiteral("launch.copy"));
  copy->setAutoRaise(true);
  copy->setToolTip(tr("Copy as a command line"));
  copy->setAccessibleName(tr("Copy as a command line"));
  buttons->addWidget(copy);
  inner->addLayout(buttons);

  form_->foldGroups({tr("Optimizer"), tr("Schedule"), tr("Saving and logging"), tr("Device")});
  connect(launch_, &QPushButton::clicked, this, &LaunchPanel::launch);
  connect(copy, &QToolButton::clicked, this,
          [this] { QApplication::clipboard()->setText(commandLine()); });
  setBlocked(QString());
}

void LaunchPanel::setBlocked(const QString& reason) {
  blocked_ = reason;
  launch_->setEnabled(reason.isEmpty());
  reason_->setText(reason);
}

void LaunchPanel::setPlanProblems(std::vector<engine::Problem> problems) {
  plan_problems_ = std::move(problems);
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

void LaunchPanel::launch() {
  if (!blocked_.isEmpty()) return;
  messages_->dismiss();
  const auto found = problems();
  auto homeless = form_->showProblems(found);
  std::copy_if(plan_problems_.begin(), plan_problems_.end(), std::back_inserter(homeless),
               [](const auto& one) { return one.severity == engine::Severity::error; });
  const auto is_error = [](const engine::Problem& one) {
    return one.severity == engine::Severity::error;
  };
  const auto first = std::find_if(found.begin(), found.end(), is_error);
  const auto other = std::find_if(homeless.begin(), homeless.end(), is_error);
  if (other != homeless.end()) {
    messages_->showProblem(*other);
  } else if (first != found.end()) {
    const auto errors = std::count_if(found.begin(), found.end(), is_error);
    messages_->showMessage(engine::Severity::error,
                           errors == 1
                               ? tr("One setting needs attention before the launch.")
                               : tr("%1 settings need attention before the launch.").arg(errors));
  }
  if (first != found.end()) {
    std::string name = first->place.file;
    if (name.rfind("--", 0) == 0) form_->reveal(name.substr(2));
  }
  if (first == found.end() && other == homeless.end()) Q_EMIT launchRequested(form_->values());
}

QString LaunchPanel::commandLine() const {
  QStringList words{QStringLiteral("paradigm"), QStringLiteral("train")};
  const engine::ParamValues values = form_->values();
  for (const auto& entry : values.entries()) {
    words << QStringLiteral("--") + QString::fromStdString(entry.name)
          << shell_quoted(QString::fromStdString(engine::to_string(entry.value)));
  }
  return words.join(QLatin1Char(' '));
}

QString shell_quoted(const QString& argument) {
  static const QRegularExpression plain(QStringLiteral("^[A-Za-z0-9_./:=@%+,-]+$"));
  if (plain.match(argument).hasMatch()) return argument;
  QString quoted = argument;
  quoted.replace(QLatin1Char('\''), QStringLiteral("'\\''"));
  return QLatin1Char('\'') + quoted + QLatin1Char('\'');
}

}  // namespace widgets
