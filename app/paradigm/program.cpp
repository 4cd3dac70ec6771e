// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/paradigm/program.h"

#include "app/paradigm/command.h"
#include "app/paradigm/help_formatter.h"
#include "app/paradigm/output.h"
#include "engine/config/param_schema.h"
#include "engine/error.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <sstream>

namespace paradigm {

/// Written by CMake from commands/*_command.cpp.
std::vector<Command> all_commands();

namespace {

constexpr const char* kAbout =
    "paradigm: train and evaluate language models whose layers run on simulated hardware.";

struct Entry {
  CLI::App* app = nullptr;
  std::function<int()> run;
};

/// Each line by itself, without the blanks around it.
std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream input(text);
  for (std::string line; std::getline(input, line);) {
    const auto begin = line.find_first_not_of(' ');
    if (begin != std::string::npos) lines.push_back(line.substr(begin));
  }
  return lines;
}

std::vector<std::string> names_of_subcommands(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(sub->get_name());
  }
  return names;
}

std::string command_line_of(const CLI::App& app) {
  const CLI::App* parent = app.get_parent();
  return parent == nullptr ? app.get_name() : command_line_of(*parent) + " " + app.get_name();
}

engine::Problem usage_problem(std::string id, const std::string& value, std::string message,
                              const CLI::App& app, const std::string& nearest) {
  engine::Problem problem;
  problem.id = std::move(id);
  problem.place.file = value;
  problem.value = value;
  problem.message = std::move(message);
  problem.remedy =
      nearest.empty() ? "See " + command_line_of(app) + " --help" : "Did you mean " + nearest + "?";
  return problem;
}

/// What nobody declared: unknown flags first, because what follows one is often its value.
std::vector<engine::Problem> unknown_words(const CLI::App& app, const CLI::App& program) {
  std::vector<engine::Problem> problems;
  std::vector<std::string> flags;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
  }
  // What follows a bare -- is left with the program, not with its command.
  std::vector<std::string> words = app.remaining();
  if (&app != &program) {
    for (std::string& word : program.remaining()) words.push_back(std::move(word));
  }
  std::erase(words, "--");
  for (std::string word : words) {
    if (word.size() < 2 || word[0] != '-') continue;
    word = word.substr(0, word.find('='));
    problems.push_back(usage_problem("unknown-flag", word, "unknown flag " + word, app,
                                     engine::nearest_name(word, flags)));
  }
  if (!problems.empty()) return problems;
  const auto commands = names_of_subcommands(app);
  for (const std::string& word : words) {
    const bool is_command = !commands.empty() && app.get_subcommands().empty();
    problems.push_back(
        usage_problem(is_command ? "unknown-command" : "unknown-argument", word,
                      (is_command ? "unknown command " : "unexpected argument ") + word, app,
                      is_command ? engine::nearest_name(word, commands) : ""));
    if (is_command) break;
  }
  return problems;
}

const CLI::App& deepest(const CLI::App& app) {
  const auto parsed = app.get_subcommands();
  return parsed.empty() ? app : deepest(*parsed.front());
}

int report(const std::vector<engine::Problem>& problems, bool as_json) {
  print_problems(problems);
  if (as_json) print_json({{"problems", problems_json(problems)}});
  return kBadInput;
}

int report_parse_error(const CLI::ParseError& error, const CLI::App& app, bool as_json) {
  if (error.get_exit_code() == 0) {
    return app.exit(error);
  }
  return report({usage_problem("bad-usage", "", error.what(), deepest(app), "")}, as_json);
}

}  // namespace

int run_program(int argc, char** argv) {
  CLI::App app(kAbout, "paradigm");
  app.set_version_flag("--version", std::string("paradigm ") + PARADIGM_VERSION);
  app.allow_extras();
  app.formatter(std::make_shared<HelpFormatter>());
  std::vector<Entry> entries;
  std::string examples = "Examples:";
  for (const Command& command : all_commands()) {
    CLI::App* sub = app.add_subcommand(command.name, command.summary);
    entries.push_back({sub, command.declare(*sub)});
    const auto lines = lines_of(command.examples);
    if (lines.empty()) continue;
    std::string footer = "Examples:";
    for (const std::string& line : lines) footer += "\n  " + line;
    sub->footer(footer);
    examples += "\n  " + lines.front();
  }
  app.footer(examples + "\n\n`paradigm COMMAND --help` shows a command's flags.");

  const bool as_json =
      std::find(argv + std::min(argc, 1), argv + argc, std::string("--json")) != argv + argc;
  try {
    app.parse(argc, argv);
    const CLI::App& chosen = deepest(app);
    const auto problems = unknown_words(chosen, app);
    if (!problems.empty()) return report(problems, as_json);
    for (const Entry& entry : entries) {
      if (!entry.app->parsed()) continue;
      const int code = entry.run();
      if (code != kDone || std::cout.flush()) return code;
      engine::fail("cannot-write", {.file = "stdout"}, "the output could not be written",
                   "Free space where it goes");
    }
    std::cout << app.help();
    return kDone;
  } catch (const CLI::ParseError& error) {
    return report_parse_error(error, app, as_json);
  } catch (const engine::Error& error) {
    return report(error.problems(), as_json);
  } catch (const std::exception& error) {
    engine::Problem problem;
    problem.id = "internal-error";
    problem.message = error.what();
    report({problem}, as_json);
    return kFailed;
  }
}

}  // namespace paradigm
