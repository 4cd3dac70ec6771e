// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/program_options.h"

#include "engine/remote/remote_address.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <sstream>

namespace app {
namespace {

QStringList texts(const std::vector<std::string>& words) {
  QStringList list;
  for (const auto& word : words) list << QString::fromStdString(word);
  return list;
}

QSize size_from(const std::string& text) {
  const QStringList parts = QString::fromStdString(text).split(QLatin1Char('x'));
  bool width_ok = false;
  bool height_ok = false;
  if (parts.size() != 2) return {};
  const QSize size(parts[0].toInt(&width_ok), parts[1].toInt(&height_ok));
  const bool sane = width_ok && height_ok && size.width() >= 320 && size.height() >= 240 &&
                    size.width() <= 16384 && size.height() <= 16384;
  return sane ? size : QSize();
}

/// Why this cannot be opened, "" when it may be: what is in it is seen later.
std::string why_not_opened(const std::string& path) {
  std::error_code ignored;
  if (engine::is_remote_address(path) || std::filesystem::exists(path, ignored)) return {};
  return path + ": there is no such file or folder; check the path";
}

std::string why_not_a_picture(const std::string& file) {
  if (QString::fromStdString(file).endsWith(QLatin1String(".png"), Qt::CaseInsensitive)) return {};
  return file + ": a picture is written as PNG; give the file a name that ends with .png";
}

}  // namespace

ParsedProgramOptions parse_program_options(int argc, char** argv) {
  ParsedProgramOptions parsed;
  auto& options = parsed.options;
  std::vector<std::string> open, more, runs, compare, settings, panels;
  std::string screenshot, theme = "system", size, workspace;

  CLI::App program(
      "Paradigm Workbench: see what simulated hardware does to a Llama model, train it, watch it.",
      "paradigm-workbench");
  program
      .add_option("--open", open,
                  "Checkpoint folders, transform files, run configurations, studies or run folders")
      ->type_name("PATH...")
      ->check(why_not_opened);
  program.add_option("paths", more, "The same as --open")
      ->type_name("PATH...")
      ->check(why_not_opened);
  program.add_option("--run", runs, "Run folders, or folders of runs")
      ->type_name("RUNDIR...")
      ->check(why_not_opened);
  program
      .add_option("--compare", compare,
                  "Run folders, folders of runs or logs of other trainers to show side by side")
      ->type_name("PATH...")
      ->check(why_not_opened);
  program.add_option("--set", settings, "Settings of the launch form, as name=value")
      ->type_name("NAME=VALUE...");
  program.add_flag(
      "--launch", options.launch,
      "Launch a run, or the missing runs of the study that is opened, as soon as all is "
      "open and the engine is ready");
  program.add_flag("--try", options.try_it,
                   "Try the transform as soon as all is open and the engine is ready");
  program.add_flag("--scan", options.scan, "Scan its layers then; a picture waits for the end");
  program.add_flag("--estimate", options.estimate,
                   "Estimate then what the run costs; a picture waits for the end");
  program.add_flag("--demo", options.demo, "Open the demo that comes with the program");
  program.add_option("--workspace", workspace, "edit, run or compare")
      ->check(CLI::IsMember({"edit", "run", "compare"}));
  program.add_option("--panel", panels, "Panels to bring to the front")
      ->check(CLI::IsMember({"layers", "rules", "form", "yaml", "histogram", "problems", "presets",
                             "history", "try", "scan", "launch", "monitor", "runs", "queue",
                             "study", "log", "layer_statistics", "compare"}))
      ->type_name("NAME...");
  auto* theme_option = program.add_option("--theme", theme, "light, dark or system")
                           ->check(CLI::IsMember({"light", "dark", "system"}));
  program.add_option("--size", size, "Size of the window")
      ->type_name("WxH")
      ->check([](const std::string& text) {
        return size_from(text).isEmpty() ? text + " is not a size like 1440x900" : std::string();
      });
  program
      .add_option("--screenshot", screenshot, "Write a picture of the window to this file and exit")
      ->type_name("FILE.png")
      ->check(why_not_a_picture);
  program
      .add_option("--after", options.after_ms,
                  "Milliseconds between the first paint and the picture")
      ->check(CLI::Range(0, 3600000))
      ->capture_default_str();
  program.set_version_flag("--version", PARADIGM_VERSION);

  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostringstream out;
    std::ostringstream err;
    const int code = program.exit(error, out, err);
    parsed.exit_code = code == 0 ? 0 : 2;
    parsed.text = QString::fromStdString(out.str() + err.str());
    return parsed;
  }
  options.open = texts(open) + texts(more);
  options.runs = texts(runs);
  options.compare = texts(compare);
  options.panels = texts(panels);
  options.settings = texts(settings);
  options.screenshot = QString::fromStdString(screenshot);
  options.theme = widgets::theme_from(QString::fromStdString(theme)).value();
  options.theme_given = theme_option->count() > 0;
  options.workspace = QString::fromStdString(workspace);
  if (!size.empty()) options.size = size_from(size);
  return parsed;
}

}  // namespace app
