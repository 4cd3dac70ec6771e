// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/engine_library.h"
#include "app/standard_streams.h"
#include "app/workbench/main_window.h"
#include "app/workbench/program_options.h"
#include "app/workbench/workbench.h"

#include <QApplication>
#include <QSettings>

#include <cstdio>

int main(int argc, char** argv) {
  app::reserve_standard_streams();
  app::let_idle_threads_sleep();
  const auto parsed = app::parse_program_options(argc, argv);
  if (parsed.exit_code) {
    std::fputs(parsed.text.toUtf8().constData(), *parsed.exit_code == 0 ? stdout : stderr);
    return *parsed.exit_code;
  }
  QApplication application(argc, argv);
  QApplication::setApplicationName(QStringLiteral("paradigm-workbench"));
  QApplication::setApplicationVersion(QStringLiteral(PARADIGM_VERSION));
  // A picture shows the program, not one user's settings.
  std::unique_ptr<QSettings> settings;
  if (parsed.options.screenshot.isEmpty()) {
    settings = std::make_unique<QSettings>(QSettings::IniFormat, QSettings::UserScope,
                                           QStringLiteral("paradigm-workbench"),
                                           QStringLiteral("workbench"));
  }
  app::Workbench workbench(app::load_engine, std::move(settings));
  workbench.start(parsed.options);
  return QApplication::exec();
}
