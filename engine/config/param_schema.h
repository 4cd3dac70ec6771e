// SPDX-License-Identifier: GPL-3.0-or-later
// What a user may set, as data: one description drives YAML checks, command-line help and the forms
// of the workbench.
#pragma once

#include "engine/config/param_schedule.h"
#include "engine/problem.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace engine {

using RealPair = std::pair<double, double>;

/// std::monostate is "unset" (YAML null), which is never the same as 0.
/// A ParamSchedule stands where a parameter that takes_schedule expects a number.
using ParamValue =
    std::variant<std::monostate, bool, std::int64_t, double, std::string, RealPair, ParamSchedule>;

inline bool is_set(const ParamValue& value) {
  return !std::holds_alternative<std::monostate>(value);
}

enum class ParamKind { boolean, integer, real, probability, choice, real_pair, text, path };

struct ParamSpec {
  std::string name;
  ParamKind kind = ParamKind::boolean;
  ParamValue default_value;  ///< unset = null by default (nullable), or required
  double minimum = -std::numeric_limits<double>::infinity();
  double maximum = std::numeric_limits<double>::infinity();
  bool minimum_open = false;
  bool maximum_open = false;
  bool is_nullable = false;
  bool is_required = false;
  bool is_log_scale = false;
  bool takes_schedule = false;         ///< a schedule may stand for the number: see RuleSchema
  bool follows_compute_dtype = false;  ///< a choice of formats; unset = what the model computes in
  bool is_upstream = true;  ///< false: a key of ours that upstream's loader does not know
  Snap snap_rule = Snap::none;
  std::vector<std::string> choices;
  std::string label_text;
  std::string help_text;
  std::string unit_text;
  std::string group_name;
  /// Non-empty: the key is known but asking for a non-default value is refused, with this reason.
  std::string refused_because;

  // Builders, so that a schema reads as a table. Each returns *this.
  ParamSpec& range(double low, double high);
  ParamSpec& open_below();
  ParamSpec& open_above();
  ParamSpec& nullable();
  ParamSpec& required();
  ParamSpec& log_scale();
  ParamSpec& ours();
  ParamSpec& compute_dtype_when_unset();
  ParamSpec& snaps(Snap rule);
  ParamSpec& label(std::string text);
  ParamSpec& help(std::string text);
  ParamSpec& unit(std::string text);
  ParamSpec& group(std::string name);
  ParamSpec& refused(std::string reason);
};

inline constexpr std::monostate unset{};

ParamSpec boolean(std::string name, bool default_value);
ParamSpec integer(std::string name, std::int64_t default_value);
ParamSpec integer(std::string name, std::monostate);
ParamSpec real(std::string name, double default_value);
ParamSpec real(std::string name, std::monostate);
ParamSpec probability(std::string name, std::monostate);
ParamSpec choice(std::string name, std::vector<std::string> choices);  ///< the first is the default
ParamSpec real_pair(std::string name, std::monostate);
ParamSpec text(std::string name, std::string default_value);
ParamSpec text(std::string name, std::monostate);
ParamSpec path(std::string name, std::monostate);

/// A value with the place where it was written, so that a problem can point at it.
struct PlacedValue {
  std::string name;
  ParamValue value;
  Place place;
};

/// An ordered set of named values. Small (tens of entries), so lookup is linear.
class ParamValues {
 public:
  void set(std::string name, ParamValue value, Place place = {});
  bool contains(const std::string& name) const;
  const PlacedValue* find(const std::string& name) const;
  /// The value, or unset when absent.
  ParamValue get(const std::string& name) const;

  bool get_bool(const std::string& name) const;
  std::int64_t get_int(const std::string& name) const;
  double get_real(const std::string& name) const;
  std::string get_text(const std::string& name) const;
  std::optional<double> get_optional_real(const std::string& name) const;
  std::optional<RealPair> get_optional_pair(const std::string& name) const;
  /// A number or a schedule.
  ScheduledReal get_scheduled_real(const std::string& name) const;
  std::optional<ScheduledReal> get_optional_scheduled_real(const std::string& name) const;

  const std::vector<PlacedValue>& entries() const { return entries_; }
  bool empty() const { return entries_.empty(); }
  /// Same names and values; places and order do not count.
  bool same_values(const ParamValues& other) const;

 private:
  std::vector<PlacedValue> entries_;
};

class ParamSchema {
 public:
  ParamSchema() = default;
  ParamSchema(std::initializer_list<ParamSpec> specs) : specs_(specs) {}
  explicit ParamSchema(std::vector<ParamSpec> specs) : specs_(std::move(specs)) {}

  const std::vector<ParamSpec>& specs() const { return specs_; }
  const ParamSpec* find(const std::string& name) const;
  /// The known name nearest to a mistyped one, or "" when none is near.
  std::string nearest(const std::string& name) const;
  /// Every parameter, in schema order: the given value or the default. Names not in the schema are
  /// left out.
  ParamValues with_defaults(const ParamValues& given) const;
  /// with_defaults, each value snapped to what takes effect.
  ParamValues effective(const ParamValues& given) const;

 private:
  std::vector<ParamSpec> specs_;
};

/// What a rule of a paradigm may set: every real and probability also takes a schedule over steps.
/// A run's own parameters do not.
class RuleSchema : public ParamSchema {
 public:
  RuleSchema() = default;
  RuleSchema(std::initializer_list<ParamSpec> specs) : RuleSchema(std::vector<ParamSpec>(specs)) {}
  RuleSchema(std::vector<ParamSpec> specs);  // NOLINT: a list of parameters is one
  RuleSchema(const ParamSchema& schema) : RuleSchema(schema.specs()) {}  // NOLINT: and so is this
};

/// Unknown names, wrong types, values out of range, missing required ones, refused ones; all of
/// them, located.
std::vector<Problem> problems_in(const ParamSchema& schema, const ParamValues& values);

/// A snapped value, a schedule that snaps at every step, or the value itself.
ParamValue effective_value(const ParamSpec& spec, const ParamValue& value);

/// Text as a person writes it: "256", "0.02004", "null", "[0.001, 0.999]", "true",
/// "{from: 0.1, to: 0.02, steps: 500, shape: linear}". C locale, shortest round trip.
std::string to_string(const ParamValue& value);
/// Reads one value from text (a command-line argument); problems name `place`.
ParamValue parse_value(const ParamSpec& spec, const std::string& text, const Place& place,
                       std::vector<Problem>& problems);
/// Whether parse_value() takes `text` for a schedule, right or wrong: it begins with a brace.
bool is_schedule_text(const std::string& text);
/// "[2, 65536]", "(0, 1)", "one of pass, clip", "" for help and messages.
std::string allowed_range(const ParamSpec& spec);

/// The candidate with the least edit distance to `name` within a third of its length, or "".
std::string nearest_name(const std::string& name, const std::vector<std::string>& candidates);

}  // namespace engine
