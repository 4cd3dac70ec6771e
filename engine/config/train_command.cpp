// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/train_command.h"

#include "engine/config/flag_words.h"
#include "engine/config/number_text.h"
#include "engine/printable.h"

#include <fmt/format.h>

#include <charconv>
#include <filesystem>

namespace engine {
namespace {

namespace fs = std::filesystem;

std::string joined(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) line += (line.empty() ? "" : " ") + shell_quoted(word);
  return line;
}

/// A job's name: letters, digits and what a file name may hold.
std::string job_name(const ParamValues& values) {
  const ParamValue folder = values.get("output_dir");
  const auto* path = std::get_if<std::string>(&folder);
  std::string name = path != nullptr ? fs::path(*path).lexically_normal().filename().string() : "";
  for (char& c : name) {
    const bool is_plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                          (c >= 'A' && c <= 'Z') || c == '.' || c == '_' || c == '-';
    if (!is_plain) c = '-';
  }
  return name.empty() || name[0] == '-' ? "paradigm" : name;
}

bool runs_on_cpu(const ParamValues& values) {
  return values.get("device") == ParamValue(std::string("cpu")) ||
         values.get("use_cpu") == ParamValue(true);
}

}  // namespace

std::vector<std::string> train_command(const ParamValues& values,
                                       const TrainCommandOptions& options) {
  std::vector<std::string> words = {"paradigm", "train"};
  for (std::string& word : flag_words(train_schema(), values, options.with_defaults)) {
    words.push_back(std::move(word));
  }
  if (options.prediction) {
    words.insert(words.end(), {"--predicted", prediction_text(*options.prediction)});
  }
  return words;
}

std::string train_command_line(const ParamValues& values, const TrainCommandOptions& options) {
  return joined(train_command(values, options));
}

std::string train_slurm_script(const ParamValues& values, const std::string& working_folder) {
  ParamValues given = values;
  const std::string name = job_name(values);
  const bool has_folder = is_set(given.get("output_dir"));
  std::vector<std::string> words = train_command(given);
  std::string command = joined(words);
  // The shell fills in the job's number: submitted twice, the runs do not meet.
  if (!has_folder) command += " --output_dir \"runs/" + name + "-$SLURM_JOB_ID\"";
  return fmt::format(
      "#!/bin/bash\n"
      "# After a time limit the job is queued again and goes on from its newest checkpoint.\n"
      "#SBATCH --job-name={0}\n"
      "#SBATCH --nodes=1\n"
      "#SBATCH --ntasks=1\n"
      "#SBATCH --cpus-per-task=8\n"
      "{1}"
      "#SBATCH --signal=USR1@120\n"
      "#SBATCH --requeue\n"
      "#SBATCH --output={0}-%j.out\n"
      "cd {2} || exit 1\n"
      "srun {3}\n"
      "code=$?\n"
      "# 75: stopped by the signal before the limit, with a checkpoint.\n"
      "if [ $code -eq 75 ]; then scontrol requeue \"$SLURM_JOB_ID\"; fi\n"
      "exit $code\n",
      name, runs_on_cpu(values) ? "" : "#SBATCH --gres=gpu:1\n", shell_quoted(working_folder),
      command);
}

std::string prediction_text(const CostPrediction& prediction) {
  return fmt::format("{},{},{},{}", short_number(prediction.step_seconds),
                     short_number(prediction.seconds), prediction.peak_bytes,
                     prediction.checkpoint_bytes);
}

std::optional<CostPrediction> parse_prediction(std::string_view text) {
  double numbers[4];
  const char* at = text.data();
  const char* const end = at + text.size();
  for (int i = 0; i < 4; ++i) {
    const auto [behind, error] = std::from_chars(at, end, numbers[i]);
    const bool is_whole = i == 3 ? behind == end : behind != end && *behind == ',';
    constexpr double kMost = 1e18;
    if (error != std::errc() || !is_whole || !(numbers[i] >= -1 && numbers[i] <= kMost)) {
      return std::nullopt;
    }
    at = behind + 1;
  }
  return CostPrediction{.step_seconds = numbers[0],
                        .seconds = numbers[1],
                        .peak_bytes = static_cast<std::int64_t>(numbers[2]),
                        .checkpoint_bytes = static_cast<std::int64_t>(numbers[3])};
}

}  // namespace engine
