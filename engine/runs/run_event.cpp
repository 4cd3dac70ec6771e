// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runs/run_event.h"

#include "engine/runs/json_values.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <type_traits>

namespace engine {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

// One table per event: `members` names every member once; writing and reading walk the same list.
template <typename Event, typename Visit>
void members(Event& e, Visit&& visit) {
  using Body = std::remove_const_t<Event>;
  if constexpr (std::is_same_v<Body, RunStarted>) {
    visit("run_id", e.run_id);
    visit("step", e.step);
    visit("max_steps", e.max_steps);
    visit("resumed_from", e.resumed_from);
    visit("device", e.device);
    visit("device_name", e.device_name);
    visit("engine_version", e.engine_version);
    visit("transform_digest", e.transform_digest);
    visit("parameters", e.parameters);
    visit("tokens_per_step", e.tokens_per_step);
  } else if constexpr (std::is_same_v<Body, LayerTransformed>) {
    visit("layer", e.layer);
    visit("kind", e.kind);
    visit("pattern", e.pattern);
    visit("paradigm", e.paradigm);
  } else if constexpr (std::is_same_v<Body, TransformApplied>) {
    visit("layers", e.layers);
    visit("patterns", e.patterns);
  } else if constexpr (std::is_same_v<Body, StepLogged>) {
    visit("step", e.step);
    visit("epoch", e.epoch);
    visit("loss", e.loss);
    visit("grad_norm", e.grad_norm);
    visit("learning_rate", e.learning_rate);
    visit("tokens", e.tokens);
    visit("tokens_per_second", e.tokens_per_second);
    visit("memory_bytes", e.memory_bytes);
  } else if constexpr (std::is_same_v<Body, Evaluated>) {
    visit("step", e.step);
    visit("epoch", e.epoch);
    visit("eval_loss", e.eval_loss);
    visit("perplexity", e.perplexity);
    visit("eval_accuracy", e.eval_accuracy);
    visit("eval_tokens", e.eval_tokens);
    visit("eval_runtime", e.eval_runtime);
  } else if constexpr (std::is_same_v<Body, LayerStats>) {
    visit("step", e.step);
    visit("values", e.values);
  } else if constexpr (std::is_same_v<Body, CheckpointSaved>) {
    visit("step", e.step);
    visit("path", e.path);
    visit("bytes", e.bytes);
    visit("seconds", e.seconds);
    visit("stall_seconds", e.stall_seconds);
  } else if constexpr (std::is_same_v<Body, RunMessage>) {
    visit("step", e.step);
    visit("level", e.level);
    visit("text", e.text);
  } else if constexpr (std::is_same_v<Body, RunFinished>) {
    visit("step", e.step);
    visit("outcome", e.outcome);
    visit("seconds", e.seconds);
  } else if constexpr (std::is_same_v<Body, RunFailed>) {
    visit("step", e.step);
    visit("what", e.what);
    visit("last_checkpoint", e.last_checkpoint);
  } else if constexpr (std::is_same_v<Body, ControlAnswered>) {
    visit("step", e.step);
    visit("request", e.request);
    visit("id", e.id);
    visit("outcome", e.outcome);
    visit("text", e.text);
  } else if constexpr (std::is_same_v<Body, RunExtended>) {
    visit("step", e.step);
    visit("before", e.before);
    visit("max_steps", e.max_steps);
    visit("schedule", e.schedule);
  } else if constexpr (std::is_same_v<Body, DivergenceSeen>) {
    visit("step", e.step);
    visit("kind", e.kind);
    visit("layer", e.layer);
    visit("value", e.value);
    visit("limit", e.limit);
    visit("action", e.action);
    visit("text", e.text);
  } else if constexpr (std::is_same_v<Body, CostCompared>) {
    visit("step", e.step);
    visit("predicted_step_seconds", e.predicted_step_seconds);
    visit("step_seconds", e.step_seconds);
    visit("predicted_seconds", e.predicted_seconds);
    visit("seconds", e.seconds);
    visit("predicted_peak_bytes", e.predicted_peak_bytes);
    visit("peak_bytes", e.peak_bytes);
    visit("predicted_checkpoint_bytes", e.predicted_checkpoint_bytes);
    visit("checkpoint_bytes", e.checkpoint_bytes);
  }
}

template <typename Event>
constexpr const char* type_name() {
  if constexpr (std::is_same_v<Event, RunStarted>) return "run_started";
  if constexpr (std::is_same_v<Event, LayerTransformed>) return "layer_transformed";
  if constexpr (std::is_same_v<Event, TransformApplied>) return "transform_applied";
  if constexpr (std::is_same_v<Event, StepLogged>) return "step";
  if constexpr (std::is_same_v<Event, Evaluated>) return "eval";
  if constexpr (std::is_same_v<Event, LayerStats>) return "layer_stats";
  if constexpr (std::is_same_v<Event, CheckpointSaved>) return "checkpoint";
  if constexpr (std::is_same_v<Event, RunMessage>) return "message";
  if constexpr (std::is_same_v<Event, RunFinished>) return "run_finished";
  if constexpr (std::is_same_v<Event, RunFailed>) return "run_failed";
  if constexpr (std::is_same_v<Event, ControlAnswered>) return "control";
  if constexpr (std::is_same_v<Event, RunExtended>) return "run_extended";
  if constexpr (std::is_same_v<Event, DivergenceSeen>) return "divergence";
  if constexpr (std::is_same_v<Event, CostCompared>) return "cost";
  return "";
}

struct WriteMember {
  ordered_json& json;
  void operator()(const char* name, const std::string& value) const { json[name] = value; }
  void operator()(const char* name, std::int64_t value) const { json[name] = value; }
  void operator()(const char* name, double value) const { json[name] = json_number(value); }
  void operator()(const char* name, const std::vector<LayerStat>& values) const {
    auto list = ordered_json::array();
    for (const LayerStat& stat : values) {
      list.push_back({{"layer", stat.layer},
                      {"statistic", stat.statistic},
                      {"value", json_number(stat.value)}});
    }
    json[name] = std::move(list);
  }
};

struct ReadMember {
  const json& object;
  void operator()(const char* name, std::string& value) const { value = text_member(object, name); }
  void operator()(const char* name, std::int64_t& value) const {
    value = integer_member(object, name);
  }
  void operator()(const char* name, double& value) const { value = real_member(object, name); }
  void operator()(const char* name, std::vector<LayerStat>& values) const {
    const auto found = object.find(name);
    if (found == object.end() || !found->is_array()) return;
    for (const json& item : *found) {
      if (!item.is_object()) continue;
      values.push_back(
          {text_member(item, "layer"), text_member(item, "statistic"), real_member(item, "value")});
    }
  }
};

template <typename Event>
concept HasStep = requires(Event e) {
  e.step;
};

template <std::size_t I = 0>
std::optional<RunEventBody> read_body(const std::string& type, const json& object) {
  if constexpr (I == std::variant_size_v<RunEventBody>) {
    return std::nullopt;
  } else {
    using Event = std::variant_alternative_t<I, RunEventBody>;
    if (type.empty() || type != type_name<Event>()) return read_body<I + 1>(type, object);
    if constexpr (HasStep<Event>) {
      constexpr std::int64_t kMissing = -1;
      if (integer_member(object, "step", kMissing) < 0) return std::nullopt;
    }
    Event event;
    members(event, ReadMember{object});
    return event;
  }
}

/// Reads the members of an event of numbers as to_json() writes them, one after the other, without
/// a tree of JSON: some ten times as fast. Whatever stands otherwise clears `is_plain`.
struct ReadPlainly {
  const char* at;
  const char* end;
  bool is_plain = true;

  bool skip(std::string_view text) {
    is_plain =
        is_plain &&
        std::string_view(at, static_cast<std::size_t>(end - at)).substr(0, text.size()) == text;
    if (is_plain) at += text.size();
    return is_plain;
  }

  /// A number as JSON has it, which is less than from_chars takes.
  template <typename Number>
  void number(Number& value) {
    if (!is_plain) return;
    const char* stop = number_end();
    const auto [read, error] = std::from_chars(at, stop, value);
    is_plain = error == std::errc() && read == stop && stop != at;
    at = stop;
  }

  void operator()(const char* name, std::int64_t& value) { member(name, value); }
  void operator()(const char* name, double& value) { member(name, value); }
  template <typename Other>
  void operator()(const char*, Other&) {
    is_plain = false;
  }

 private:
  template <typename Number>
  void member(std::string_view name, Number& value) {
    skip(",\"") && skip(name) && skip("\":");
    number(value);
  }

  const char* digits_end(const char* from) const {
    return std::find_if(from, end, [](char c) { return c < '0' || c > '9'; });
  }

  /// Where the number that begins here ends; `at` when none does.
  const char* number_end() const {
    const char* whole = at != end && *at == '-' ? at + 1 : at;
    const char* stop = digits_end(whole);
    if (stop == whole || (*whole == '0' && stop - whole > 1)) return at;
    if (stop != end && *stop == '.') {
      const char* fraction = stop + 1;
      stop = digits_end(fraction);
      if (stop == fraction) return at;
    }
    if (stop == end || (*stop != 'e' && *stop != 'E')) return stop;
    const char* exponent = stop + 1;
    if (exponent != end && (*exponent == '+' || *exponent == '-')) ++exponent;
    stop = digits_end(exponent);
    return stop == exponent ? at : stop;
  }
};

/// Steps are nearly all that a long run holds.
std::optional<RunEvent> read_plain_step(const std::string& line) {
  ReadPlainly read{line.data(), line.data() + line.size()};
  RunEvent event;
  read.skip("{\"time\":");
  read.number(event.time);
  if (!read.skip(",\"type\":\"step\"")) return std::nullopt;
  StepLogged step;
  members(step, read);
  if (!read.skip("}") || read.at != read.end || step.step < 0) return std::nullopt;
  event.body = step;
  return event;
}

template <std::size_t I = 0>
bool is_known(const std::string& type) {
  if constexpr (I == std::variant_size_v<RunEventBody>) {
    return false;
  } else {
    return type == type_name<std::variant_alternative_t<I, RunEventBody>>() ||
           is_known<I + 1>(type);
  }
}

}  // namespace

std::string to_json(const RunEvent& event) {
  if (const auto* unknown = std::get_if<UnknownEvent>(&event.body);
      unknown != nullptr && !unknown->json.empty()) {
    return unknown->json;
  }
  ordered_json json;
  json["time"] = json_number(event.time);
  std::visit(
      [&](const auto& body) {
        using Event = std::decay_t<decltype(body)>;
        if constexpr (std::is_same_v<Event, UnknownEvent>) {
          json["type"] = body.type;
          json["step"] = body.step;
        } else {
          json["type"] = type_name<Event>();
          members(body, WriteMember{json});
        }
      },
      event.body);
  return dump_line(json);
}

std::optional<RunEvent> parse_run_event(const std::string& line) {
  if (auto step = read_plain_step(line)) return step;
  const json object = parse_object(line);
  if (object.is_discarded()) return std::nullopt;
  const std::string type = text_member(object, "type");
  if (type.empty()) return std::nullopt;
  RunEvent event;
  event.time = real_member(object, "time", 0);
  if (is_known(type)) {
    auto body = read_body(type, object);
    if (!body) return std::nullopt;
    event.body = std::move(*body);
  } else {
    event.body =
        UnknownEvent{type, std::max<std::int64_t>(0, integer_member(object, "step")), line};
  }
  return event;
}

std::int64_t step_of(const RunEvent& event) {
  return std::visit(
      [](const auto& body) -> std::int64_t {
        if constexpr (HasStep<std::decay_t<decltype(body)>>) return body.step;
        return 0;
      },
      event.body);
}

}  // namespace engine
