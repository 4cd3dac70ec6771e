// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/param_schema.h"

#include "engine/config/number_text.h"
#include "engine/config/schedule_members.h"
#include "engine/error.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

namespace engine {

ParamSpec& ParamSpec::range(double low, double high) {
  minimum = low;
  maximum = high;
  return *this;
}
ParamSpec& ParamSpec::open_below() {
  minimum_open = true;
  return *this;
}
ParamSpec& ParamSpec::open_above() {
  maximum_open = true;
  return *this;
}
ParamSpec& ParamSpec::nullable() {
  is_nullable = true;
  return *this;
}
ParamSpec& ParamSpec::required() {
  is_required = true;
  return *this;
}
ParamSpec& ParamSpec::log_scale() {
  is_log_scale = true;
  return *this;
}
ParamSpec& ParamSpec::ours() {
  is_upstream = false;
  return *this;
}
ParamSpec& ParamSpec::compute_dtype_when_unset() {
  follows_compute_dtype = true;
  is_nullable = true;
  default_value = unset;
  return *this;
}
ParamSpec& ParamSpec::snaps(Snap rule) {
  snap_rule = rule;
  return *this;
}
ParamSpec& ParamSpec::label(std::string text) {
  label_text = std::move(text);
  return *this;
}
ParamSpec& ParamSpec::help(std::string text) {
  help_text = std::move(text);
  return *this;
}
ParamSpec& ParamSpec::unit(std::string text) {
  unit_text = std::move(text);
  return *this;
}
ParamSpec& ParamSpec::group(std::string group) {
  group_name = std::move(group);
  return *this;
}
ParamSpec& ParamSpec::refused(std::string reason) {
  refused_because = std::move(reason);
  return *this;
}

namespace {

ParamSpec spec_of(std::string name, ParamKind kind, ParamValue default_value) {
  ParamSpec spec;
  spec.name = std::move(name);
  spec.kind = kind;
  spec.default_value = std::move(default_value);
  return spec;
}

}  // namespace

ParamSpec boolean(std::string name, bool default_value) {
  return spec_of(std::move(name), ParamKind::boolean, default_value);
}
ParamSpec integer(std::string name, std::int64_t default_value) {
  return spec_of(std::move(name), ParamKind::integer, default_value);
}
ParamSpec integer(std::string name, std::monostate) {
  return spec_of(std::move(name), ParamKind::integer, unset);
}
ParamSpec real(std::string name, double default_value) {
  return spec_of(std::move(name), ParamKind::real, default_value);
}
ParamSpec real(std::string name, std::monostate) {
  return spec_of(std::move(name), ParamKind::real, unset);
}
ParamSpec probability(std::string name, std::monostate) {
  return spec_of(std::move(name), ParamKind::probability, unset).range(0, 1);
}
ParamSpec choice(std::string name, std::vector<std::string> choices) {
  ParamSpec spec = spec_of(std::move(name), ParamKind::choice, choices.at(0));
  spec.choices = std::move(choices);
  return spec;
}
ParamSpec real_pair(std::string name, std::monostate) {
  return spec_of(std::move(name), ParamKind::real_pair, unset);
}
ParamSpec text(std::string name, std::string default_value) {
  return spec_of(std::move(name), ParamKind::text, std::move(default_value));
}
ParamSpec text(std::string name, std::monostate) {
  return spec_of(std::move(name), ParamKind::text, unset);
}
ParamSpec path(std::string name, std::monostate) {
  return spec_of(std::move(name), ParamKind::path, unset);
}

void ParamValues::set(std::string name, ParamValue value, Place place) {
  for (PlacedValue& entry : entries_) {
    if (entry.name != name) continue;
    entry.value = std::move(value);
    entry.place = std::move(place);
    return;
  }
  entries_.push_back({std::move(name), std::move(value), std::move(place)});
}

const PlacedValue* ParamValues::find(const std::string& name) const {
  for (const PlacedValue& entry : entries_)
    if (entry.name == name) return &entry;
  return nullptr;
}

bool ParamValues::contains(const std::string& name) const { return find(name) != nullptr; }

ParamValue ParamValues::get(const std::string& name) const {
  const PlacedValue* entry = find(name);
  return entry ? entry->value : ParamValue{};
}

namespace {

template <typename T>
T value_as(const ParamValue& value, const std::string& name, const char* what) {
  if (const T* held = std::get_if<T>(&value)) return *held;
  throw Error(fmt::format("parameter {} is {}, not {}", name, to_string(value), what));
}

}  // namespace

bool ParamValues::get_bool(const std::string& name) const {
  return value_as<bool>(get(name), name, "true or false");
}
std::int64_t ParamValues::get_int(const std::string& name) const {
  return value_as<std::int64_t>(get(name), name, "a whole number");
}
double ParamValues::get_real(const std::string& name) const {
  const ParamValue value = get(name);
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return static_cast<double>(*whole);
  return value_as<double>(value, name, "a number");
}
std::string ParamValues::get_text(const std::string& name) const {
  return value_as<std::string>(get(name), name, "a text");
}
std::optional<double> ParamValues::get_optional_real(const std::string& name) const {
  if (!is_set(get(name))) return std::nullopt;
  return get_real(name);
}
std::optional<RealPair> ParamValues::get_optional_pair(const std::string& name) const {
  const ParamValue value = get(name);
  if (!is_set(value)) return std::nullopt;
  return value_as<RealPair>(value, name, "a pair of numbers");
}

ScheduledReal ParamValues::get_scheduled_real(const std::string& name) const {
  const ParamValue value = get(name);
  if (const auto* schedule = std::get_if<ParamSchedule>(&value)) return ScheduledReal(*schedule);
  return get_real(name);
}
std::optional<ScheduledReal> ParamValues::get_optional_scheduled_real(
    const std::string& name) const {
  if (!is_set(get(name))) return std::nullopt;
  return get_scheduled_real(name);
}

bool ParamValues::same_values(const ParamValues& other) const {
  if (entries_.size() != other.entries_.size()) return false;
  return std::all_of(entries_.begin(), entries_.end(), [&](const PlacedValue& entry) {
    const PlacedValue* twin = other.find(entry.name);
    return twin && twin->value == entry.value;
  });
}

const ParamSpec* ParamSchema::find(const std::string& name) const {
  for (const ParamSpec& spec : specs_)
    if (spec.name == name) return &spec;
  return nullptr;
}

std::string ParamSchema::nearest(const std::string& name) const {
  std::vector<std::string> names;
  for (const ParamSpec& spec : specs_) names.push_back(spec.name);
  return nearest_name(name, names);
}

namespace {

bool is_number(ParamKind kind) { return kind == ParamKind::real || kind == ParamKind::probability; }

std::vector<ParamSpec> with_schedules(std::vector<ParamSpec> specs) {
  for (ParamSpec& spec : specs) spec.takes_schedule = is_number(spec.kind);
  return specs;
}

ParamValue in_kind(const ParamSpec& spec, ParamValue value) {
  if (is_number(spec.kind))
    if (const auto* whole = std::get_if<std::int64_t>(&value)) return static_cast<double>(*whole);
  return value;
}

}  // namespace

RuleSchema::RuleSchema(std::vector<ParamSpec> specs)
    : ParamSchema(with_schedules(std::move(specs))) {}

ParamValues ParamSchema::with_defaults(const ParamValues& given) const {
  ParamValues all;
  for (const ParamSpec& spec : specs_) {
    if (const PlacedValue* entry = given.find(spec.name))
      all.set(spec.name, in_kind(spec, entry->value), entry->place);
    else
      all.set(spec.name, spec.default_value);
  }
  return all;
}

ParamValues ParamSchema::effective(const ParamValues& given) const {
  const ParamValues requested = with_defaults(given);
  ParamValues all;
  for (const PlacedValue& entry : requested.entries())
    all.set(entry.name, effective_value(*find(entry.name), entry.value), entry.place);
  return all;
}

ParamValue effective_value(const ParamSpec& spec, const ParamValue& value) {
  if (const double* number = std::get_if<double>(&value)) return snapped(spec.snap_rule, *number);
  ParamValue effective = value;
  if (auto* schedule = std::get_if<ParamSchedule>(&effective)) schedule->snap = spec.snap_rule;
  return effective;
}

namespace {

const char* kind_words(const ParamSpec& spec) {
  switch (spec.kind) {
    case ParamKind::boolean:
      return "true or false";
    case ParamKind::integer:
      return "a whole number";
    case ParamKind::real:
    case ParamKind::probability:
      return "a number";
    case ParamKind::choice:
      return "a word";
    case ParamKind::real_pair:
      return "a pair of numbers [low, high]";
    case ParamKind::text:
    case ParamKind::path:
      return "a text";
  }
  return "a value";
}

bool has_kind(const ParamSpec& spec, const ParamValue& value) {
  switch (spec.kind) {
    case ParamKind::boolean:
      return std::holds_alternative<bool>(value);
    case ParamKind::integer:
      return std::holds_alternative<std::int64_t>(value);
    case ParamKind::real:
    case ParamKind::probability:
      return std::holds_alternative<double>(value) || std::holds_alternative<std::int64_t>(value) ||
             (spec.takes_schedule && std::holds_alternative<ParamSchedule>(value));
    case ParamKind::real_pair:
      return std::holds_alternative<RealPair>(value);
    case ParamKind::choice:
    case ParamKind::text:
    case ParamKind::path:
      return std::holds_alternative<std::string>(value);
  }
  return false;
}

bool in_range(const ParamSpec& spec, double x) {
  if (!std::isfinite(x)) return false;
  if (spec.minimum_open ? x <= spec.minimum : x < spec.minimum) return false;
  return spec.maximum_open ? x < spec.maximum : x <= spec.maximum;
}

bool in_range(const ParamSpec& spec, const ParamValue& value) {
  if (const auto* whole = std::get_if<std::int64_t>(&value))
    return in_range(spec, static_cast<double>(*whole));
  if (const auto* number = std::get_if<double>(&value)) return in_range(spec, *number);
  if (const auto* pair = std::get_if<RealPair>(&value))
    return in_range(spec, pair->first) && in_range(spec, pair->second) &&
           pair->first < pair->second;
  if (const auto* word = std::get_if<std::string>(&value); word && spec.kind == ParamKind::choice)
    return std::find(spec.choices.begin(), spec.choices.end(), *word) != spec.choices.end();
  return true;
}

std::string expectation(const ParamSpec& spec) {
  const std::string range = allowed_range(spec);
  std::string words = kind_words(spec);
  if (spec.kind == ParamKind::choice)
    words = range;
  else if (!range.empty())
    words += " in " + range;
  if (spec.kind == ParamKind::real_pair) words += " with low < high";
  return spec.is_nullable ? words + ", or null" : words;
}

Problem problem_with(const ParamSpec& spec, const PlacedValue& entry, std::string message) {
  const ParamValue& fallback = spec.default_value;
  return {.id = "bad-value",
          .severity = Severity::error,
          .place = entry.place,
          .value = to_string(entry.value),
          .message = std::move(message),
          .remedy = is_set(fallback) || spec.is_nullable
                        ? fmt::format("The default is {}", to_string(fallback))
                        : ""};
}

void check(const ParamSpec& spec, const PlacedValue& entry, std::vector<Problem>& problems) {
  if (!is_set(entry.value)) {
    if (!spec.is_nullable)
      problems.push_back(problem_with(
          spec, entry, fmt::format("{} may not be null; it is {}", spec.name, expectation(spec))));
    return;
  }
  if (!has_kind(spec, entry.value) || !in_range(spec, entry.value)) {
    problems.push_back(problem_with(spec, entry,
                                    fmt::format("{} is {}, but must be {}", spec.name,
                                                to_string(entry.value), expectation(spec))));
    const auto* word = std::get_if<std::string>(&entry.value);
    if (word && spec.kind == ParamKind::choice) {
      const std::string near = nearest_name(*word, spec.choices);
      if (!near.empty()) problems.back().remedy = fmt::format("Did you mean {}?", near);
    }
    return;
  }
  if (const auto* schedule = std::get_if<ParamSchedule>(&entry.value))
    for (Problem& problem : problems_in_schedule(spec, members_of(*schedule, entry.place)))
      problems.push_back(std::move(problem));
  if (!spec.refused_because.empty() && in_kind(spec, entry.value) != spec.default_value)
    problems.push_back(
        {.id = "not-supported",
         .severity = Severity::error,
         .place = entry.place,
         .value = to_string(entry.value),
         .message = fmt::format("{} {} is not supported: {}", spec.name, to_string(entry.value),
                                spec.refused_because),
         .remedy = is_set(spec.default_value)
                       ? fmt::format("Leave it out, or give {}", to_string(spec.default_value))
                       : "Leave it out"});
}

}  // namespace

std::vector<Problem> problems_in(const ParamSchema& schema, const ParamValues& values) {
  std::vector<Problem> problems;
  for (const PlacedValue& entry : values.entries()) {
    if (const ParamSpec* spec = schema.find(entry.name)) {
      check(*spec, entry, problems);
      continue;
    }
    const std::string near = schema.nearest(entry.name);
    problems.push_back({.id = "bad-value",
                        .severity = Severity::error,
                        .place = entry.place,
                        .value = entry.name,
                        .message = fmt::format("unknown key {}", entry.name),
                        .remedy = near.empty() ? "" : fmt::format("Did you mean {}?", near)});
  }
  for (const ParamSpec& spec : schema.specs()) {
    if (!spec.is_required || values.contains(spec.name)) continue;
    Problem problem;
    problem.id = "bad-value";
    problem.message = fmt::format("{} is missing; it is {}", spec.name, expectation(spec));
    problems.push_back(std::move(problem));
  }
  return problems;
}

std::string to_string(const ParamValue& value) {
  struct Text {
    std::string operator()(std::monostate) const { return "null"; }
    std::string operator()(bool flag) const { return flag ? "true" : "false"; }
    std::string operator()(std::int64_t whole) const { return std::to_string(whole); }
    std::string operator()(double number) const { return real_text(number); }
    std::string operator()(const std::string& word) const { return word; }
    std::string operator()(const RealPair& pair) const {
      return fmt::format("[{}, {}]", real_text(pair.first), real_text(pair.second));
    }
    std::string operator()(const ParamSchedule& schedule) const {
      return fmt::format("{{from: {}, to: {}, steps: {}, shape: {}}}", real_text(schedule.from),
                         real_text(schedule.to), schedule.steps, to_string(schedule.shape));
    }
  };
  return std::visit(Text{}, value);
}

std::string allowed_range(const ParamSpec& spec) {
  if (spec.kind == ParamKind::choice)
    return fmt::format("one of {}", fmt::join(spec.choices, ", "));
  const bool below = std::isfinite(spec.minimum);
  const bool above = std::isfinite(spec.maximum);
  if (!below && !above) return "";
  const std::string low = below ? short_number(spec.minimum) : "-inf";
  const std::string high = above ? short_number(spec.maximum) : "inf";
  return fmt::format("{}{}, {}{}", below && !spec.minimum_open ? '[' : '(', low, high,
                     above && !spec.maximum_open ? ']' : ')');
}

}  // namespace engine
