// SPDX-License-Identifier: GPL-3.0-or-later
// read_train_command(): finds the training in what was pasted, and says what of it does not carry
// over.
#include "engine/config/flag_words.h"
#include "engine/config/run_values.h"
#include "engine/config/shell_words.h"
#include "engine/config/train_command.h"
#include "engine/error.h"
#include "engine/printable.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

namespace engine {
namespace {

/// Flags of `paradigm train` that describe no run, and those of run_clm.py that its parser adds.
const OtherFlags kOthers = {
    {"config", true}, {"json", false}, {"estimate", false}, {"predicted", true}};

std::string file_name(const std::string& word) { return word.substr(word.find_last_of("/\\") + 1); }

/// run_clm.py, run_clm_no_trainer.py, my_run_clm.py, -m examples.run_clm
bool is_run_clm(const std::string& word) {
  return file_name(word).find("run_clm") != std::string::npos;
}

bool is_script(const std::string& word) {
  const std::string name = file_name(word);
  return name.size() > 3 && name.ends_with(".py") && name.rfind("--", 0) != 0;
}

/// Where in `words` the flags of a training begin, and whose they are.
struct Found {
  std::string program;
  std::size_t flags = 0;
};

std::optional<Found> find_training(const std::vector<ShellWord>& words) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i].text;
    if (file_name(word) == "paradigm" && i + 1 < words.size()) {
      return Found{"paradigm " + words[i + 1].text, i + 2};
    }
    if (is_run_clm(word)) return Found{file_name(word), i + 1};
    if (is_script(word)) return Found{file_name(word), i + 1};
  }
  if (!words.empty() && words[0].text.rfind("--", 0) == 0) return Found{"", 0};
  return std::nullopt;
}

class CommandReader {
 public:
  explicit CommandReader(std::string_view text) : shell_(read_shell_text(text)) {}

  PastedCommand read() {
    result_.problems = std::move(shell_.problems);
    if (has_errors(result_.problems)) return std::move(result_);
    choose();
    if (command_ == nullptr) return std::move(result_);
    tell_about_surroundings();
    read_flags();
    return std::move(result_);
  }

 private:
  void tell(Severity severity, std::string place, std::string message, std::string remedy) {
    Problem problem;
    problem.id = "pasted";
    problem.severity = severity;
    problem.place.file = std::move(place);
    problem.message = std::move(message);
    problem.remedy = std::move(remedy);
    result_.problems.push_back(std::move(problem));
  }

  /// The first training; other scripts only where there is none.
  void choose() {
    int trainings = 0;
    std::optional<Found> other;
    const ShellCommand* others_command = nullptr;
    for (const ShellCommand& command : shell_.commands) {
      const auto found = find_training(command.words);
      if (!found) continue;
      const bool trains = found->program == "paradigm train" || is_run_clm(found->program) ||
                          found->program.empty();
      if (!trains) {
        if (!other) {
          other = found;
          others_command = &command;
        }
      } else if (trainings++ == 0) {
        found_ = *found;
        command_ = &command;
      }
    }
    if (trainings > 1) {
      tell(Severity::note, "",
           fmt::format("the text holds {} trainings; the first is taken", trainings),
           "Copy the one that is meant");
    }
    if (command_ != nullptr) return;
    if (!other) {
      tell(Severity::error, "", "the text holds no command that trains",
           "Copy a command such as: paradigm train --model_name_or_path …, or python run_clm.py …");
    } else if (other->program.rfind("paradigm ", 0) == 0) {
      tell(Severity::error, "", other->program + " trains nothing",
           "This form launches paradigm train; run other commands in a terminal");
    } else {
      found_ = *other;
      command_ = others_command;
      tell(Severity::warning, "",
           other->program +
               " is not run_clm.py: flags of the same names are taken, what else it "
               "does is not known here",
           "Compare the settings with what that script does");
    }
  }

  void tell_about_surroundings() {
    for (const ShellCommand& command : shell_.commands) {
      if (&command == command_) break;
      if (command.words.size() == 2 && command.words[0].text == "cd") {
        tell(Severity::note, "",
             "cd " + printable(command.words[1].text, 60) +
                 " is not followed: relative paths are taken from where the workbench runs",
             "Give paths that begin with /");
      }
    }
    std::vector<std::string> names;
    for (const auto& [name, value] : command_->assignments) names.push_back(name);
    if (!names.empty()) {
      tell(Severity::note, "",
           fmt::format("{} {} not carried over: {} of that command's environment",
                       fmt::join(names, ", "), names.size() == 1 ? "is" : "are",
                       names.size() == 1 ? "it is part" : "they are part"),
           "Start the workbench with it, or choose a GPU with device");
    }
    tell_about_processes();
  }

  /// torchrun --nproc_per_node 8, accelerate launch --num_processes=8
  void tell_about_processes() {
    for (std::size_t i = 0; i < found_.flags && i < command_->words.size(); ++i) {
      std::string word = command_->words[i].text;
      std::replace(word.begin(), word.end(), '-', '_');
      for (const std::string name : {"__nproc_per_node", "__num_processes", "__nnodes"}) {
        if (word.rfind(name, 0) != 0) continue;
        std::string count = word.size() > name.size() ? word.substr(name.size() + 1) : "";
        if (count.empty() && i + 1 < found_.flags) count = command_->words[i + 1].text;
        if (count == "1" || count == "1:1") continue;
        tell(Severity::warning, "",
             printable(command_->words[i].text, 60) + ": a run is one process on one device here",
             "For the same batch, multiply gradient_accumulation_steps by the number of processes");
      }
    }
  }

  void read_flags() {
    std::vector<std::string> words;
    for (std::size_t i = found_.flags; i < command_->words.size(); ++i) {
      words.push_back(command_->words[i].text);
    }
    FlagWords flags = read_flag_words(train_schema(), words, kOthers);
    std::string config;
    for (auto& [name, text] : flags.others) {
      if (name == "config") config = std::move(text);
    }
    std::erase_if(flags.given, [this](const GivenFlag& flag) { return is_unknown(flag); });
    std::vector<Problem> problems = std::move(flags.problems);
    result_.values = values_of_flags(flags.given, problems);
    read_config(config, problems);
    leave_out_unsupported(problems);
    for (Problem& problem : problems) {
      if (problem.severity == Severity::error) problem.severity = Severity::warning;
      problem.message += "; left out";
      result_.problems.push_back(std::move(problem));
    }
    result_.found = true;
    result_.program = found_.program;
  }

  /// A value with "$NAME" in it, which that shell alone could tell.
  bool is_unknown(const GivenFlag& flag) {
    const auto word =
        std::find_if(command_->words.begin(), command_->words.end(), [&](const ShellWord& one) {
          const bool holds =
              one.text == flag.text || (!flag.text.empty() && one.text.ends_with("=" + flag.text));
          return holds && !one.unknown.empty();
        });
    if (word == command_->words.end()) return false;
    tell(
        Severity::warning, "--" + flag.spec->name,
        fmt::format("--{} is \"{}\", and {} has a value only in the shell that it comes from; left "
                    "out",
                    flag.spec->name, printable(flag.text, 60), word->unknown),
        "Write its value here");
    return true;
  }

  void read_config(const std::string& config, std::vector<Problem>& problems) {
    try {
      result_.values = values_over_file(config, result_.values, problems);
    } catch (const Error& error) {
      for (Problem problem : error.problems()) {
        problem.message = "--config " + printable(config, 60) + ": " + problem.message;
        problems.push_back(std::move(problem));
      }
    }
  }

  void leave_out_unsupported(std::vector<Problem>& problems) {
    ParamValues kept;
    for (const PlacedValue& entry : result_.values.entries()) {
      const ParamSpec* spec = train_schema().find(entry.name);
      if (spec == nullptr || spec->refused_because.empty()) {
        kept.set(entry.name, entry.value, entry.place);
        continue;
      }
      ParamValues alone;
      alone.set(entry.name, entry.value, entry.place);
      for (Problem& problem : problems_in(train_schema(), alone)) {
        problems.push_back(std::move(problem));
      }
    }
    result_.values = std::move(kept);
  }

  ShellText shell_;
  PastedCommand result_;
  const ShellCommand* command_ = nullptr;
  Found found_;
};

}  // namespace

PastedCommand read_train_command(std::string_view text) { return CommandReader(text).read(); }

}  // namespace engine
