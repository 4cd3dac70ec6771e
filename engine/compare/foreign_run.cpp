// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/compare/foreign_run.h"

#include "engine/compare/foreign_curves.h"
#include "engine/compare/tensorboard_events.h"
#include "engine/csv.h"
#include "engine/error.h"
#include "engine/runs/json_values.h"
#include "engine/runs/run_folder.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace engine {
namespace {

namespace fs = std::filesystem;

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

std::string lower_case(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

/// A cell as a number: also nan, inf, Infinity. Nothing for words and for empty cells.
std::optional<double> number_in(const std::string& cell) {
  const std::size_t from = cell.find_first_not_of(' ');
  if (from == std::string::npos) return std::nullopt;
  const std::size_t to = cell.find_last_not_of(' ') + 1;
  double value = 0;
  const auto [end, error] = std::from_chars(cell.data() + from, cell.data() + to, value);
  if (error != std::errc() || end != cell.data() + to) return std::nullopt;
  return value;
}

std::size_t column_named(const std::vector<std::string>& header,
                         std::initializer_list<const char*> names) {
  for (const char* name : names) {
    for (std::size_t i = 0; i < header.size(); ++i) {
      if (lower_case(header[i]) == name) return i;
    }
  }
  return header.size();
}

std::string cell_at(const std::vector<std::string>& row, std::size_t column) {
  return column < row.size() ? row[column] : "";
}

/// Tabs become the commas that the reader of CSV expects; such files quote nothing.
std::string commas_for_tabs(std::string text) {
  std::replace(text.begin(), text.end(), '\t', ',');
  return text;
}

void read_csv(const fs::path& file, ComparableRun& run) {
  std::string text = read_file(file);
  if (text.compare(0, 3, "\xEF\xBB\xBF") == 0) text.erase(0, 3);
  const auto rows = csv_records(
      lower_case(file.extension().string()) == ".tsv" ? commas_for_tabs(std::move(text)) : text);
  if (rows.empty()) fail("no-curves", {.file = file.string()}, "the file is empty");
  const auto& header = rows.front();
  const std::size_t step_at = column_named(
      header, {"step", "global_step", "_step", "trainer/global_step", "iteration", "iter"});
  if (step_at == header.size())
    fail("no-curves", {.file = file.string()},
         fmt::format("no step column among {}", fmt::join(header, ", ")),
         "Name the column with the steps step, global_step or iteration");
  const std::size_t tokens_at = column_named(header, {"num_input_tokens_seen", "tokens"});
  const std::size_t seconds_at = column_named(header, {"_runtime", "relative time (process)"});
  const std::size_t clock_at = column_named(header, {"wall time", "_timestamp", "timestamp"});

  ForeignCurves curves;
  std::vector<std::size_t> words(header.size());
  std::size_t without_step = 0;
  for (std::size_t i = 1; i < rows.size(); ++i) {
    const auto step = number_in(cell_at(rows[i], step_at));
    if (!step || !std::isfinite(*step)) {
      ++without_step;
      continue;
    }
    ForeignPoint point{.step = *step};
    point.tokens = number_in(cell_at(rows[i], tokens_at)).value_or(kUnknown);
    point.seconds = number_in(cell_at(rows[i], seconds_at)).value_or(kUnknown);
    point.clock = number_in(cell_at(rows[i], clock_at)).value_or(kUnknown);
    for (std::size_t column = 0; column < header.size() && column < rows[i].size(); ++column) {
      if (column == step_at || column == tokens_at || column == seconds_at || column == clock_at ||
          rows[i][column].empty())
        continue;
      const auto value = number_in(rows[i][column]);
      if (!value) {
        ++words[column];
        continue;
      }
      point.value = *value;
      curves.add(header[column], point);
    }
  }
  for (std::size_t column = 0; column < header.size(); ++column) {
    if (words[column] > 0)
      run.notes.push_back(fmt::format("column {}: {} cells are no numbers and were skipped",
                                      header[column], words[column]));
  }
  if (without_step > 0)
    run.notes.push_back(fmt::format("{} rows have no step and were skipped", without_step));
  curves.move_into(run);
}

/// Python writes NaN, Infinity and -Infinity as bare words, which JSON does not have.
std::string with_words_quoted(const std::string& text) {
  std::string quoted;
  quoted.reserve(text.size());
  bool is_in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (is_in_string && c == '\\' && i + 1 < text.size()) {
      quoted += c;
      quoted += text[++i];
      continue;
    }
    if (c == '"') is_in_string = !is_in_string;
    if (!is_in_string) {
      const auto word = std::find_if(
          kNonFiniteWords.begin(), kNonFiniteWords.end(),
          [&](std::string_view each) { return text.compare(i, each.size(), each) == 0; });
      if (word != kNonFiniteWords.end()) {
        quoted += '"' + std::string(*word) + '"';
        i += word->size() - 1;
        continue;
      }
    }
    quoted += c;
  }
  return quoted;
}

void read_trainer_state(const fs::path& file, ComparableRun& run) {
  const auto state = parse_object(with_words_quoted(read_file(file)));
  const auto history = state.is_object() ? state.find("log_history") : state.end();
  if (!state.is_object() || history == state.end() || !history->is_array())
    fail("no-curves", {.file = file.string()}, "there is no log_history in this file",
         "Name a trainer_state.json that Hugging Face's Trainer wrote");
  ForeignCurves curves;
  for (const auto& entry : *history) {
    if (!entry.is_object()) continue;
    ForeignPoint point{.step = real_member(entry, "step")};
    if (!std::isfinite(point.step)) continue;
    point.tokens = real_member(entry, "num_input_tokens_seen");
    for (const auto& [name, value] : entry.items()) {
      if (name == "step" || name == "epoch" || name == "num_input_tokens_seen") continue;
      const bool is_word =
          value.is_string() && std::find(kNonFiniteWords.begin(), kNonFiniteWords.end(),
                                         value.get<std::string>()) != kNonFiniteWords.end();
      if (!value.is_number() && !is_word) continue;
      point.value = real_member(entry, name.c_str());
      curves.add(name, point);
    }
  }
  run.max_steps = integer_member(state, "max_steps");
  curves.move_into(run);
}

std::vector<fs::path> tensorboard_files(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->path().filename().string().find("tfevents") != std::string::npos)
      files.push_back(it->path());
  }
  std::sort(files.begin(), files.end());  // their names begin with the time they were begun
  return files;
}

ComparableRun begun(const fs::path& path, RunSource source) {
  ComparableRun run;
  run.path = path;
  run.source = source;
  run.name = (path.has_filename() ? path : path.parent_path()).filename().string();
  run.observed = {RunState::finished, std::string("read from ") + to_string(source)};
  return run;
}

}  // namespace

bool is_foreign_run(const fs::path& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) {
    return !fs::exists(RunFolder{path}.events(), ignored) &&
           (fs::exists(path / "trainer_state.json", ignored) || !tensorboard_files(path).empty());
  }
  const std::string extension = lower_case(path.extension().string());
  return fs::is_regular_file(path, ignored) &&
         (extension == ".csv" || extension == ".tsv" || extension == ".json" ||
          path.filename().string().find("tfevents") != std::string::npos);
}

std::optional<ComparableRun> load_foreign_run(const fs::path& path) {
  std::error_code ignored;
  const std::string name = path.filename().string();
  const std::string extension = lower_case(path.extension().string());
  if (fs::is_directory(path, ignored)) {
    if (fs::exists(RunFolder{path}.events(), ignored)) return std::nullopt;
    if (fs::exists(path / "trainer_state.json", ignored)) {
      ComparableRun run = begun(path, RunSource::trainer_state);
      read_trainer_state(path / "trainer_state.json", run);
      return run;
    }
    const auto files = tensorboard_files(path);
    if (files.empty()) return std::nullopt;
    ComparableRun run = begun(path, RunSource::tensorboard);
    ForeignCurves curves;
    for (const fs::path& file : files) read_tensorboard_events(file, curves, run.notes);
    curves.move_into(run);
    return run;
  }
  if (!fs::is_regular_file(path, ignored)) return std::nullopt;
  if (extension == ".csv" || extension == ".tsv") {
    ComparableRun run = begun(path, RunSource::csv);
    read_csv(path, run);
    return run;
  }
  if (name.find("tfevents") != std::string::npos) {
    ComparableRun run = begun(path, RunSource::tensorboard);
    ForeignCurves curves;
    read_tensorboard_events(path, curves, run.notes);
    curves.move_into(run);
    return run;
  }
  if (extension == ".json") {
    ComparableRun run = begun(path, RunSource::trainer_state);
    read_trainer_state(path, run);
    return run;
  }
  return std::nullopt;
}

}  // namespace engine
