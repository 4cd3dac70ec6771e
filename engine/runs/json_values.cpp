// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runs/json_values.h"

#include "engine/runs/run_event.h"

#include <cmath>

namespace engine {

nlohmann::ordered_json json_number(double value) {
  if (std::isnan(value)) return kNotANumber;
  if (std::isinf(value)) return value > 0 ? kInfinity : kMinusInfinity;
  return value;
}

double real_member(const nlohmann::json& object, const char* name, double fallback) {
  const auto found = object.find(name);
  if (found == object.end()) return fallback;
  if (found->is_number()) return found->get<double>();
  if (!found->is_string()) return fallback;
  const auto& text = found->get_ref<const std::string&>();
  if (text == kNotANumber) return std::numeric_limits<double>::quiet_NaN();
  if (text == kInfinity) return std::numeric_limits<double>::infinity();
  if (text == kMinusInfinity) return -std::numeric_limits<double>::infinity();
  return fallback;
}

std::int64_t integer_member(const nlohmann::json& object, const char* name, std::int64_t fallback) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number()) return fallback;
  if (found->is_number_unsigned()) {
    const auto value = found->get<std::uint64_t>();
    return value <= std::uint64_t(std::numeric_limits<std::int64_t>::max()) ? std::int64_t(value)
                                                                            : fallback;
  }
  if (found->is_number_integer()) return found->get<std::int64_t>();
  const double value = found->get<double>();
  return std::abs(value) < 9e18 ? std::int64_t(value) : fallback;
}

std::string text_member(const nlohmann::json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool bool_member(const nlohmann::json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_boolean() && found->get<bool>();
}

std::string dump_line(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

nlohmann::json parse_object(const std::string& text) {
  auto json = nlohmann::json::parse(text, nullptr, false);
  return json.is_object() ? json : nlohmann::json(nlohmann::json::value_t::discarded);
}

}  // namespace engine
