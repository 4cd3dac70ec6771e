// SPDX-License-Identifier: GPL-3.0-or-later
// `paradigm runs compare` against a second implementation that reads the raw events.jsonl.
#include "tests/support/program_run.h"
#include "tests/support/sample_run.h"
#include "tests/support/scratch_folder.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

namespace {

using nlohmann::json;
using tests::ProgramRun;
using tests::SampleRun;
using tests::ScratchFolder;

const std::string kOptical =
    "layer_name_to_config:\n"
    "  'model\\.layers\\.\\d+\\.mlp\\.(gate|up|down)_proj': {q_levels: %}\n"
    "  default: null\n";

std::string optical(int levels) {
  std::string text = kOptical;
  text.replace(text.find('%'), 1, std::to_string(levels));
  return text;
}

ProgramRun compare(const ScratchFolder& folder, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"runs", "compare"});
  return tests::run_program(PARADIGM_BIN_DIR "/paradigm", arguments, "", folder.path());
}

/// Plain and optical runs, three seeds each.
void write_study(const ScratchFolder& folder, double shift) {
  for (const int seed : {1, 2, 3}) {
    SampleRun plain{.seed = seed, .loss = tests::sample_loss(seed, 0)};
    tests::write_sample_run(folder / fmt::format("runs/plain-{}", seed), plain);
    SampleRun other{.seed = seed, .loss = tests::sample_loss(seed, shift)};
    other.transform = optical(16);
    other.transform_name = "optical_16";
    const auto loss = other.loss;
    other.loss = [loss, seed](std::int64_t step) { return loss(step) + 0.004 * ((seed * 7) % 3); };
    tests::write_sample_run(folder / fmt::format("runs/optical-{}", seed), other);
  }
}

// The second implementation: text to numbers, no code of ours.

std::vector<double> raw_values(const std::filesystem::path& run, const std::string& type,
                               const std::string& member) {
  std::vector<double> values;
  std::ifstream file(run / "events.jsonl");
  for (std::string line; std::getline(file, line);) {
    const json event = json::parse(line);
    if (event.at("type") == type) values.push_back(event.at(member).get<double>());
  }
  return values;
}

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / double(values.size());
}

/// P(|T| > t) with two degrees of freedom: closed form.
double two_sided_p_of_two(double t) { return 1 - t / std::sqrt(2 + t * t); }

TEST(CompareCommand, PrintsWhatTheRawEventsSay) {
  const ScratchFolder folder;
  write_study(folder, 0.05);
  const ProgramRun run = compare(folder, {"runs", "--baseline", "plain-1", "--json"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const json result = json::parse(run.out);
  EXPECT_EQ(result.at("metrics"), json({"eval_loss", "loss"}));
  ASSERT_EQ(result.at("runs").size(), 6u);

  const double base = raw_values(folder / "runs/plain-1", "eval", "eval_loss").back();
  for (const json& each : result.at("runs")) {
    const auto path = folder / each.at("run").get<std::string>();
    const double value = raw_values(path, "eval", "eval_loss").back();
    EXPECT_EQ(each.at("metrics").at("eval_loss").at("value"), value);
    EXPECT_EQ(each.at("metrics").at("loss").at("value"), raw_values(path, "step", "loss").back());
    if (each.at("name") != "plain-1") {
      EXPECT_EQ(each.at("metrics").at("eval_loss").at("delta"), value - base);
    }
  }

  std::vector<double> differences;
  for (const int seed : {1, 2, 3}) {
    const auto last = [&](const char* kind) {
      return raw_values(folder / fmt::format("runs/{}-{}", kind, seed), "eval", "eval_loss").back();
    };
    differences.push_back(last("optical") - last("plain"));
  }
  const double difference = mean(differences);
  double squares = 0;
  for (const double each : differences) squares += (each - difference) * (each - difference);
  const double error = std::sqrt(squares / 2 / 3);
  constexpr double kStudent = 4.302652729911275;  // 97.5 %, two degrees of freedom
  const json& verdict = result.at("verdicts").at(0);
  EXPECT_EQ(verdict.at("metric"), "eval_loss");
  EXPECT_EQ(verdict.at("group"), "optical_16");
  EXPECT_EQ(verdict.at("method"), "paired t");
  EXPECT_NEAR(verdict.at("difference"), difference, 1e-12);
  EXPECT_NEAR(verdict.at("low"), difference - kStudent * error, 1e-9);
  EXPECT_NEAR(verdict.at("high"), difference + kStudent * error, 1e-9);
  EXPECT_NEAR(verdict.at("p"), two_sided_p_of_two(difference / error), 1e-9);
  EXPECT_EQ(verdict.at("distinguishable"), true);

  const ProgramRun text = compare(folder, {"runs", "--baseline", "plain-1"});
  EXPECT_NE(
      text.out.find(fmt::format("Δ eval_loss {:+.4f} ± {:.4f} (95 %) from 3 + 3 seeds, paired "
                                "t over 3 shared seeds",
                                difference, kStudent * error)),
      std::string::npos)
      << text.out;
  EXPECT_NE(text.out.find(fmt::format("{:.4f}", base)), std::string::npos);
}

TEST(CompareCommand, NamesTheEffectiveDifference) {
  const ScratchFolder folder;
  SampleRun one, two;
  one.transform = optical(256);
  two.transform = optical(64);
  two.learning_rate = 2e-3;
  tests::write_sample_run(folder / "a", one);
  tests::write_sample_run(folder / "b", two);
  const ProgramRun run = compare(folder, {"a", "b"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_NE(run.out.find("all 6 mlp.*_proj: q_levels 256 → 64"), std::string::npos) << run.out;
  EXPECT_NE(run.out.find("learning_rate 0.001 → 0.002"), std::string::npos);
  EXPECT_NE(run.out.find("from one seed each: how much seeds differ is not known"),
            std::string::npos);
}

TEST(CompareCommand, ShowsLengthsNaNAndMissingMetrics) {
  const ScratchFolder folder;
  tests::write_sample_run(folder / "a", {});
  SampleRun broken{.steps = 60, .eval_steps = 0};
  broken.loss = [](std::int64_t step) {
    return step < 40 ? 2.0 : std::numeric_limits<double>::quiet_NaN();
  };
  tests::write_sample_run(folder / "b", broken);
  const ProgramRun run = compare(folder, {"a", "b", "--metric", "loss"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_NE(run.out.find("b: 21 of 60 values of loss are not finite, the first at step 40"),
            std::string::npos)
      << run.out;
  EXPECT_NE(run.out.find("different lengths"), std::string::npos);
  EXPECT_NE(run.out.find("not finite from step 40 to step 60; only the baseline from step 60 to "
                         "step 100"),
            std::string::npos)
      << run.out;
  const ProgramRun evaluated = compare(folder, {"a", "b", "--metric", "eval_loss"});
  EXPECT_NE(evaluated.out.find("b has not logged eval_loss"), std::string::npos);
}

TEST(CompareCommand, BadInputIsOneMessage) {
  const ScratchFolder folder;
  tests::write_sample_run(folder / "a", {});
  folder.write("empty/readme", "nothing");
  const auto expect_refused = [&](std::vector<std::string> arguments, const std::string& words) {
    const ProgramRun run = compare(folder, std::move(arguments));
    EXPECT_EQ(run.exit_code, 2);
    EXPECT_NE(run.err.find(words), std::string::npos) << run.err;
  };
  expect_refused({"nowhere"}, "there is no such run folder");
  expect_refused({"empty"}, "there is no run here");
  expect_refused({"a", "--metric", "bleu"}, "no run has logged bleu");
  expect_refused({"a", "--statistic", "best"}, "\"best\" is no statistic");
  expect_refused({"a", "--x", "epochs"}, "\"epochs\" is no axis");
  expect_refused({"a", "--baseline", "b"}, "b is none of the runs compared");
  expect_refused({"a", "--export", "empty"}, "the folder is not empty");
}

TEST(CompareCommand, ATableOfOtherNumbersInAFolderOfRunsIsPassedOverAndNamed) {
  const ScratchFolder folder;
  tests::write_sample_run(folder / "runs/a", {});
  folder.write("runs/notes/energy.csv", "");
  const ProgramRun run = compare(folder, {"runs"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_NE(run.err.find("energy.csv: warning: "), std::string::npos) << run.err;
  folder.write("alone/notes/energy.csv", "");
  EXPECT_EQ(compare(folder, {"alone"}).exit_code, 2);
  EXPECT_EQ(compare(folder, {"runs/notes/energy.csv"}).exit_code, 2);
}

TEST(CompareCommand, ExportOpensAgainAndFitsAPage) {
  const ScratchFolder folder;
  write_study(folder, 0.05);
  folder.write("baseline.csv", "step,loss\n1,3\n50,2.5\n100,2.25\n");
  const ProgramRun run = compare(folder, {"runs", "baseline.csv", "--baseline", "plain-2",
                                          "--metric", "loss", "--export", "out"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  for (const char* file : {"figure.svg", "curves.csv", "statistics.csv", "page.html", "plot.py",
                           "README.txt", "runs/plain-2/run.yaml", "runs/optical-1/transform.yaml"})
    EXPECT_TRUE(std::filesystem::exists(folder / "out" / file)) << file;
  const std::string page = tests::content_of(folder / "out/page.html");
  EXPECT_LE(page.size(), 5'000'000u);
  for (const char* outside : {"http://", "https://", "src=", "@import"}) {
    std::string rest = page;
    const std::string name_space = "http://www.w3.org/2000/svg";
    for (std::size_t at; (at = rest.find(name_space)) != std::string::npos;)
      rest.erase(at, name_space.size());
    EXPECT_EQ(rest.find(outside), std::string::npos) << outside << ": the page stands alone";
  }
  for (const char* words :
       {"paired t", "all 6 mlp.*_proj: plain → optical_transformer (q_levels 16)",
        "paradigm train --config runs/plain-1/run.yaml", "learning_rate"})
    EXPECT_NE(page.find(words), std::string::npos) << words;

  const ProgramRun again = compare(
      folder, {"out/runs", "--baseline", "plain-2", "--metric", "loss", "--export", "again"});
  ASSERT_EQ(again.exit_code, 0) << again.err;
  const std::string curves = tests::content_of(folder / "out/curves.csv");
  EXPECT_GT(curves.size(), 1000u);
  std::string first = curves, second = tests::content_of(folder / "again/curves.csv");
  const auto sorted = [](const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream input(text);
    for (std::string line; std::getline(input, line);) lines.push_back(line);
    std::sort(lines.begin(), lines.end());
    return lines;
  };
  EXPECT_EQ(sorted(first), sorted(second));
}

TEST(CompareCommand, SetsTheResultAgainstACost) {
  const ScratchFolder folder;
  write_study(folder, 0.05);
  const std::string cost = "output_conversions * 2";
  const ProgramRun run = compare(folder, {"runs", "--baseline", "plain-1", "--metric", "eval_loss",
                                          "--cost", cost, "--export", "out", "--json"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const json trade_off = json::parse(run.out).at("trade_off");
  ASSERT_EQ(trade_off.at("points").size(), 6u);
  // The front by brute force over the raw events.
  std::vector<std::pair<double, double>> points;
  for (const json& point : trade_off.at("points")) {
    const auto path = folder / point.at("run").get<std::string>();
    const double result = raw_values(path, "eval", "eval_loss").back();
    EXPECT_EQ(point.at("result"), result);
    const bool is_plain = path.filename().string().rfind("plain", 0) == 0;
    EXPECT_EQ(point.at("cost") == 0, is_plain) << "a plain run converts nothing";
    points.emplace_back(point.at("cost").get<double>(), result);
  }
  const auto beaten = [&](const std::pair<double, double>& one) {
    return std::any_of(points.begin(), points.end(), [&](const auto& other) {
      return other != one && other.first <= one.first && other.second <= one.second;
    });
  };
  std::size_t unbeaten = 0;
  for (const auto& point : points) unbeaten += beaten(point) ? 0 : 1;
  EXPECT_EQ(trade_off.at("front").size(), unbeaten);

  const std::string csv = tests::content_of(folder / "out/trade_off.csv");
  EXPECT_EQ(csv.rfind("run,group,seed,cost,eval_loss,on_front\n", 0), 0u) << csv;
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 7);
  for (const char* name : {"figure.pdf", "trade_off.pdf"})
    EXPECT_EQ(tests::content_of(folder / "out" / name).rfind("%PDF-1.4", 0), 0u) << name;
  EXPECT_NE(tests::content_of(folder / "out/page.html").find("eval_loss against output_conv"),
            std::string::npos);

  const ProgramRun text = compare(folder, {"runs", "--cost", "macs", "--metric", "eval_loss"});
  EXPECT_NE(text.out.find("eval_loss against macs: what nothing beats"), std::string::npos)
      << text.out;
  const ProgramRun bad = compare(folder, {"runs", "--cost", "macs *"});
  EXPECT_EQ(bad.exit_code, 2);
  EXPECT_NE(bad.err.find("cost"), std::string::npos) << bad.err;
}

TEST(CompareCommand, ForeignLogsStandBeside) {
  const ScratchFolder folder;
  tests::write_sample_run(folder / "a", {});
  folder.write("hf/trainer_state.json",
               R"({"max_steps": 100, "log_history": [
                 {"epoch": 0.5, "loss": 2.5, "learning_rate": 0.001, "step": 50},
                 {"epoch": 0.5, "eval_loss": 2.6, "step": 50},
                 {"epoch": 1.0, "loss": NaN, "step": 100},
                 {"epoch": 1.0, "eval_loss": 2.4, "step": 100}]})");
  const ProgramRun run = compare(folder, {"a", "hf", "--json"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const json result = json::parse(run.out);
  EXPECT_EQ(result.at("runs").at(1).at("source"), "trainer_state");
  EXPECT_EQ(result.at("runs").at(1).at("metrics").at("eval_loss").at("value"), 2.4);
  EXPECT_EQ(result.at("runs").at(1).at("metrics").at("loss").at("value"), "NaN");
}

}  // namespace
