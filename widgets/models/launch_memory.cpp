// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/launch_memory.h"

#include "engine/config/train_command.h"

#include <QSettings>

#include <set>

namespace widgets {
namespace {

const QString kCommand = QStringLiteral("launch/command");
const QString kSeparate = QStringLiteral("launch/separate_process");

engine::ParamValues without_folder(const engine::ParamValues& values) {
  static const std::set<std::string> own = {"output_dir", "overwrite_output_dir",
                                            "resume_from_checkpoint", "allow_transform_change"};
  engine::ParamValues kept;
  for (const auto& entry : values.entries()) {
    if (own.count(entry.name) == 0) kept.set(entry.name, entry.value, entry.place);
  }
  return kept;
}

}  // namespace

void remember_launch(QSettings& settings, const LaunchRequest& request) {
  settings.setValue(
      kCommand, QString::fromStdString(engine::train_command_line(without_folder(request.values))));
  settings.setValue(kSeparate, request.place == LaunchPlace::separate_process);
}

LaunchRequest remembered_launch(const QSettings& settings) {
  LaunchRequest request;
  const std::string command = settings.value(kCommand).toString().toStdString();
  if (!command.empty()) {
    request.values = without_folder(engine::read_train_command(command).values);
  }
  if (settings.value(kSeparate).toBool()) request.place = LaunchPlace::separate_process;
  return request;
}

}  // namespace widgets
