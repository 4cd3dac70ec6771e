// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/style/theme.h"

#include <QSize>
#include <QString>
#include <QStringList>

#include <optional>

namespace app {

struct ProgramOptions {
  QStringList open;
  QStringList runs;
  QStringList settings;  ///< "name=value" for the launch form
  QStringList panels;    ///< to bring to the front
  QStringList compare;   ///< run folders, folders of runs, logs of other trainers
  QString workspace;     ///< "edit", "run", "compare", or empty = what was used last
  QString screenshot;    ///< file to write, empty = none
  int after_ms = 500;
  widgets::Theme theme = widgets::Theme::system;
  bool theme_given = false;
  QSize size;  ///< empty = remembered or default
  bool launch = false;
  bool try_it = false;
  bool scan = false;
  bool estimate = false;
  bool demo = false;
};

struct ParsedProgramOptions {
  ProgramOptions options;
  std::optional<int> exit_code;  ///< set: print `text` and end
  QString text;
};

/// Needs no display and no QApplication, so that --help works everywhere.
ParsedProgramOptions parse_program_options(int argc, char** argv);

}  // namespace app
