// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/paradigm/output.h"

#include "engine/error.h"
#include "engine/runs/run_event.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <iostream>

namespace paradigm {
namespace {

const char* colour_of(engine::Severity severity) {
  switch (severity) {
    case engine::Severity::note:
      return "\033[36m";
    case engine::Severity::warning:
      return "\033[33m";
    case engine::Severity::error:
      return "\033[31m";
  }
  return "";
}

std::string on_one_line(std::string text) {
  for (char& c : text) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  return text;
}

}  // namespace

Json value_json(const engine::ParamValue& value) {
  struct Convert {
    Json operator()(std::monostate) const { return nullptr; }
    Json operator()(bool flag) const { return flag; }
    Json operator()(std::int64_t whole) const { return whole; }
    Json operator()(double number) const { return number_json(number); }
    Json operator()(const std::string& text) const { return text; }
    Json operator()(const engine::RealPair& pair) const {
      return Json::array({number_json(pair.first), number_json(pair.second)});
    }
    Json operator()(const engine::ParamSchedule& schedule) const {
      Json json{{"from", number_json(schedule.from)},
                {"to", number_json(schedule.to)},
                {"steps", schedule.steps},
                {"shape", engine::to_string(schedule.shape)}};
      if (schedule.snap != engine::Snap::none) {
        json["effective_from"] = number_json(schedule.at(0));
        json["effective_to"] = number_json(schedule.at(schedule.steps));
      }
      return json;
    }
  };
  return std::visit(Convert{}, value);
}

bool is_terminal(std::FILE* stream) { return isatty(fileno(stream)) == 1; }

void print_problems(const std::vector<engine::Problem>& problems) {
  const bool is_coloured = is_terminal(stderr) && std::getenv("NO_COLOR") == nullptr;
  for (const engine::Problem& problem : problems) {
    std::string line = on_one_line(engine::to_string(problem));
    if (is_coloured) {
      const std::string word = engine::to_string(problem.severity);
      const auto at = line.find(word + ":");
      if (at != std::string::npos) {
        line.replace(at, word.size() + 1, colour_of(problem.severity) + word + ":\033[0m");
      }
    }
    std::cerr << line << '\n';
  }
  std::cerr << std::flush;
}

void print_or_throw(const std::vector<engine::Problem>& problems) {
  if (engine::has_errors(problems)) throw engine::Error(problems);
  print_problems(problems);
}

Json problems_json(const std::vector<engine::Problem>& problems) {
  Json list = Json::array();
  for (const engine::Problem& problem : problems) {
    list.push_back({{"id", problem.id},
                    {"severity", engine::to_string(problem.severity)},
                    {"file", problem.place.file},
                    {"line", problem.place.line},
                    {"column", problem.place.column},
                    {"value", problem.value},
                    {"message", problem.message},
                    {"remedy", problem.remedy}});
  }
  return list;
}

void print_json(const Json& json) {
  std::cout << json.dump(2, ' ', false, Json::error_handler_t::replace) << std::endl;
}

void print_report(bool as_json, const Json& json, const std::string& text) {
  if (as_json) {
    print_json(json);
  } else {
    std::cout << text << std::flush;
  }
}

Json number_json(double value) {
  if (std::isnan(value)) return engine::kNotANumber;
  if (std::isinf(value)) return value > 0 ? engine::kInfinity : engine::kMinusInfinity;
  return value;
}

Json known_json(double value) { return std::isnan(value) ? Json() : number_json(value); }

std::string size_text(double bytes) {
  constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB"};
  int unit = 0;
  for (; bytes >= 999.5 && unit < 4; ++unit) bytes /= 1000;
  return unit == 0 ? fmt::format("{:.0f} B", bytes) : fmt::format("{:.3g} {}", bytes, kUnits[unit]);
}

std::string duration_text(double seconds) {
  if (!(seconds >= 0) || seconds > 1e9) return "?";
  const auto whole = std::int64_t(std::llround(seconds));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

}  // namespace paradigm
