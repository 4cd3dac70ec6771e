// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/compare/run_metrics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace engine {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
constexpr std::array<std::string_view, 4> kAxes = {"step", "tokens", "time", "flops"};

}  // namespace

const char* to_string(XAxis axis) { return kAxes[static_cast<std::size_t>(axis)].data(); }

std::optional<XAxis> x_axis_from(std::string_view name) {
  const auto found = std::find(kAxes.begin(), kAxes.end(), name);
  if (found == kAxes.end()) return std::nullopt;
  return static_cast<XAxis>(found - kAxes.begin());
}

RunMetrics::Table RunMetrics::table_of(std::initializer_list<const char*> names) {
  Table table;
  for (const char* name : names) table.columns.push_back({.name = name, .value = {}});
  return table;
}

const RunMetrics::Column* RunMetrics::Table::find(std::string_view name) const {
  const auto found = std::find_if(columns.begin(), columns.end(),
                                  [&](const Column& column) { return column.name == name; });
  return found == columns.end() ? nullptr : &*found;
}

void RunMetrics::Table::clear() {
  for (std::vector<double>* values : {&step, &tokens, &seconds}) values->clear();
  for (Column& column : columns) column.value.clear();
}

void RunMetrics::Table::drop_beyond(double last_step) {
  const auto end = std::upper_bound(step.begin(), step.end(), last_step);
  const auto size = static_cast<std::size_t>(end - step.begin());
  step.resize(size);
  tokens.resize(size);
  seconds.resize(size);
  for (Column& column : columns) column.value.resize(size);
}

void RunMetrics::Table::append(double at_step, double at_tokens, double at_seconds,
                               std::span<const double> values) {
  // A step that was logged again replaces what stood there.
  if (!step.empty() && at_step <= step.back())
    drop_beyond(std::nextafter(at_step, -std::numeric_limits<double>::infinity()));
  step.push_back(at_step);
  tokens.push_back(at_tokens);
  seconds.push_back(at_seconds);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    Column& column = columns[i];
    column.value.push_back(i < values.size() ? values[i]
                                             : column.factor * columns[column.of].value.back());
  }
}

void RunMetrics::begin_part(const RunEvent& event, const RunStarted& started) {
  const auto step = static_cast<double>(started.step);
  seconds_before_part_ = 0;
  tokens_before_part_ = static_cast<double>(started.step * started.tokens_per_step);
  for (const Table* table : {&steps_, &evaluations_}) {
    const auto end = std::upper_bound(table->step.begin(), table->step.end(), step);
    if (end == table->step.begin()) continue;
    const auto last = static_cast<std::size_t>(end - table->step.begin()) - 1;
    seconds_before_part_ = std::max(seconds_before_part_, table->seconds[last]);
    if (table->step[last] == step) tokens_before_part_ = table->tokens[last];
  }
  part_began_ = event.time;
  tokens_per_step_ = started.tokens_per_step;
  parts_.push_back({started.step, started.resumed_from});
}

void RunMetrics::apply(const RunUpdate& update) {
  if (update.restarted) {
    steps_.clear();
    evaluations_.clear();
    parts_.clear();
    part_began_ = seconds_before_part_ = tokens_before_part_ = 0;
    tokens_per_step_ = 0;
  }
  if (update.rewind_to) {
    steps_.drop_beyond(static_cast<double>(*update.rewind_to));
    evaluations_.drop_beyond(static_cast<double>(*update.rewind_to));
  }
  for (const RunEvent& event : update.events) {
    if (const auto* started = std::get_if<RunStarted>(&event.body)) {
      begin_part(event, *started);
    } else if (const auto* logged = std::get_if<StepLogged>(&event.body)) {
      const std::array values = {logged->loss, logged->grad_norm, logged->learning_rate,
                                 logged->tokens_per_second,
                                 static_cast<double>(logged->memory_bytes)};
      steps_.append(static_cast<double>(logged->step), static_cast<double>(logged->tokens),
                    seconds_at(event.time), values);
    } else if (const auto* evaluated = std::get_if<Evaluated>(&event.body)) {
      const std::array values = {evaluated->eval_loss, evaluated->perplexity,
                                 evaluated->eval_accuracy};
      const double steps_in_part =
          static_cast<double>(evaluated->step - (parts_.empty() ? 0 : parts_.back().step));
      const double tokens =
          tokens_per_step_ > 0
              ? tokens_before_part_ + steps_in_part * static_cast<double>(tokens_per_step_)
              : kUnknown;
      evaluations_.append(static_cast<double>(evaluated->step), tokens, seconds_at(event.time),
                          values);
    }
  }
}

void RunMetrics::add(const std::string& name, std::vector<double> step, std::vector<double> value,
                     std::vector<double> tokens, std::vector<double> seconds) {
  tokens.resize(step.size(), kUnknown);
  seconds.resize(step.size(), kUnknown);
  others_.push_back({std::move(step),
                     std::move(tokens),
                     std::move(seconds),
                     {{.name = name, .value = std::move(value)}}});
}

void RunMetrics::add_scaled(const std::string& name, std::string_view of, double factor) {
  std::vector<Table*> tables = {&steps_, &evaluations_};
  for (Table& table : others_) tables.push_back(&table);
  for (Table* table : tables) {
    const Column* source = table->find(of);
    if (source == nullptr || table->find(name) != nullptr) continue;
    Column scaled{.name = name,
                  .value = source->value,
                  .of = static_cast<std::size_t>(source - table->columns.data()),
                  .factor = factor};
    for (double& value : scaled.value) value *= factor;
    table->columns.push_back(std::move(scaled));
    return;
  }
}

std::vector<std::string> RunMetrics::names() const {
  std::vector<std::string> names;
  const auto collect = [&names](const Table& table) {
    if (table.step.empty()) return;
    for (const Column& column : table.columns) names.push_back(column.name);
  };
  collect(steps_);
  collect(evaluations_);
  for (const Table& table : others_) collect(table);
  return names;
}

std::optional<CurveView> RunMetrics::find(std::string_view name) const {
  const auto look = [name](const Table& table) -> std::optional<CurveView> {
    const Column* column = table.step.empty() ? nullptr : table.find(name);
    if (column == nullptr) return std::nullopt;
    return CurveView{table.step, table.tokens, table.seconds, column->value};
  };
  if (auto found = look(steps_)) return found;
  if (auto found = look(evaluations_)) return found;
  for (const Table& table : others_) {
    if (auto found = look(table)) return found;
  }
  return std::nullopt;
}

bool RunMetrics::empty() const { return names().empty(); }

}  // namespace engine
