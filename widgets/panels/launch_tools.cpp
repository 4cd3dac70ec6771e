// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/launch_tools.h"

#include "engine/config/train_command.h"
#include "widgets/forms/param_form.h"
#include "widgets/style/metrics.h"
#include "widgets/style/symbol_icon.h"

#include <QApplication>
#include <QClipboard>
#include <QDir>
#include <QHBoxLayout>
#include <QMenu>
#include <QToolButton>

namespace widgets {
namespace {

QToolButton* add_tool(QHBoxLayout* row, const char* name, const QString& text, const char* icon,
                      const QString& tip) {
  auto* button = new QToolButton(row->parentWidget());
  button->setObjectName(QLatin1String(name));
  button->setText(text);
  button->setAccessibleName(text);
  button->setIcon(symbol_icon(QLatin1String(icon)));
  button->setToolTip(tip);
  button->setAutoRaise(true);
  button->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
  row->addWidget(button);
  return button;
}

}  // namespace

LaunchTools::LaunchTools(const ParamForm* form, QWidget* parent) : QWidget(parent), form_(form) {
  auto* row = new QHBoxLayout(this);
  row->setContentsMargins(0, 0, 0, 0);
  row->setSpacing(lines(this, 0.2));
  auto* paste =
      add_tool(row, "launch.paste", tr("Paste a command"), "paste",
               tr("Fill the form from a command in the clipboard: paradigm train …, or python "
                  "run_clm.py …"));
  connect(paste, &QToolButton::clicked, this,
          [this] { Q_EMIT pasted(QApplication::clipboard()->text()); });

  auto* copy_button = add_tool(row, "launch.copy", tr("Copy as a command"), "copy",
                               tr("Copy the command line that does the same; with Shift also the "
                                  "flags at their defaults"));
  copy_button->setPopupMode(QToolButton::MenuButtonPopup);
  connect(copy_button, &QToolButton::clicked, this,
          [this] { copyCommand(QApplication::keyboardModifiers().testFlag(Qt::ShiftModifier)); });
  auto* menu = new QMenu(copy_button);
  const auto add = [&](const char* name, const QString& text, auto run) {
    auto* action = menu->addAction(text, this, run);
    action->setObjectName(QLatin1String(name));
    action->setToolTip(QString(text).remove(QLatin1Char('&')));
  };
  add("launch.copy.command", tr("Copy the &command line"), [this] { copyCommand(false); });
  add("launch.copy.defaults", tr("Copy the command line with all &defaults"),
      [this] { copyCommand(true); });
  add("launch.copy.slurm", tr("Copy a &Slurm script"), [this] {
    copy(QString::fromStdString(
             engine::train_slurm_script(form_->values(), QDir::currentPath().toStdString())),
         tr("the Slurm script"));
  });
  copy_button->setMenu(menu);
  row->addStretch();

  auto* reset = add_tool(row, "launch.reset", tr("Defaults"), "reload",
                         tr("Set every setting back to its default"));
  connect(reset, &QToolButton::clicked, this, &LaunchTools::resetRequested);
}

QString LaunchTools::commandLine(bool with_defaults) const {
  engine::TrainCommandOptions options;
  options.with_defaults = with_defaults;
  return QString::fromStdString(engine::train_command_line(form_->values(), options));
}

void LaunchTools::copyCommand(bool with_defaults) {
  copy(commandLine(with_defaults),
       with_defaults ? tr("the command line with all defaults") : tr("the command line"));
}

void LaunchTools::copy(const QString& text, const QString& what) {
  QApplication::clipboard()->setText(text);
  Q_EMIT copied(what);
}

}  // namespace widgets
