// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/compare/foreign_run.h"

#include "engine/compare/tensorboard_events.h"
#include "engine/error.h"
#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

namespace {

using namespace engine;
using tests::ScratchFolder;

std::vector<double> values(const ComparableRun& run, const char* metric) {
  const auto curve = run.metrics.find(metric);
  return curve ? std::vector<double>(curve->value.begin(), curve->value.end())
               : std::vector<double>{};
}
std::vector<double> steps(const ComparableRun& run, const char* metric) {
  const auto curve = run.metrics.find(metric);
  return curve ? std::vector<double>(curve->step.begin(), curve->step.end())
               : std::vector<double>{};
}
using List = std::vector<double>;

template <typename Number>
std::string raw(Number number) {
  std::string bytes(sizeof(number), '\0');
  std::memcpy(bytes.data(), &number, sizeof(number));
  return bytes;
}
/// A field of a protocol-buffer message; all lengths in these tests fit one byte.
std::string field(int number, int type, const std::string& content) {
  std::string bytes(1, static_cast<char>(number << 3 | type));
  if (type == 2) bytes += static_cast<char>(content.size());
  return bytes + content;
}
std::string record(const std::string& event) {
  const std::string size = raw<std::uint64_t>(event.size());
  return size + raw(masked_crc32c(size)) + event + raw(masked_crc32c(event));
}
std::string scalar(double time, int step, const std::string& tag, const std::string& value) {
  return record(field(1, 1, raw(time)) + field(2, 0, std::string(1, static_cast<char>(step))) +
                field(5, 2, field(1, 2, field(1, 2, tag) + value)));
}

TEST(TensorBoard, ReadsScalarsOfBothGenerations) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283u);
  const ScratchFolder folder;
  const std::string tensor = field(8, 2, field(1, 0, "\x01") + field(5, 2, raw(0.5f)));
  const std::string content = field(8, 2, field(1, 0, "\x02") + field(4, 2, raw(0.25)));
  folder.write("log/events.out.tfevents.1.host",
               record(field(3, 2, "brain.Event:2")) +
                   scalar(100, 1, "train/loss", field(2, 5, raw(3.5f))) +
                   scalar(110, 2, "train/loss", tensor) + scalar(112, 2, "eval/loss", content));
  folder.write("log/events.out.tfevents.2.host",
               scalar(120, 3, "train/loss", field(2, 5, raw(NAN))) +
                   scalar(130, 4, "train/loss", field(2, 5, raw(1.5f))).substr(0, 30));
  const auto run = load_foreign_run(folder / "log");
  ASSERT_TRUE(run);
  EXPECT_EQ(run->source, RunSource::tensorboard);
  EXPECT_EQ(steps(*run, "loss"), (List{1, 2, 3}));
  EXPECT_EQ(values(*run, "loss")[1], 0.5);
  EXPECT_TRUE(std::isnan(values(*run, "loss")[2]));
  EXPECT_EQ(values(*run, "eval_loss"), List{0.25});
  EXPECT_EQ(run->metrics.find("loss")->seconds[2], 20);
}

TEST(TensorBoard, DamageEndsTheReadingAndIsTold) {
  const ScratchFolder folder;
  std::string bytes = scalar(1, 1, "loss", field(2, 5, raw(3.5f)));
  const std::size_t at = bytes.size();
  bytes += scalar(2, 2, "loss", field(2, 5, raw(2.5f)));
  bytes[at + 20] ^= 1;
  const auto run = load_foreign_run(folder.write("a.tfevents", bytes));
  ASSERT_TRUE(run);
  EXPECT_EQ(values(*run, "loss"), List{3.5});
  ASSERT_EQ(run->notes.size(), 1u);
  EXPECT_NE(run->notes[0].find("damaged at byte " + std::to_string(at)), std::string::npos);
  EXPECT_THROW(load_foreign_run(folder.write("b.tfevents", "not an event file at all")), Error);
}

TEST(TrainerState, ReadsTheLogHistory) {
  const ScratchFolder folder;
  folder.write("run/trainer_state.json", R"({"max_steps": 4, "log_history": [
    {"epoch": 0.5, "loss": 2.5, "num_input_tokens_seen": 512, "step": 1},
    {"epoch": 1.0, "loss": Infinity, "step": 2, "note": "text, NaN"},
    {"eval_loss": 2.25, "eval_runtime": 1.0, "step": 2},
    {"loss": 1.5}, 7]})");
  const auto run = load_foreign_run(folder / "run");
  ASSERT_TRUE(run);
  EXPECT_EQ(values(*run, "loss"), (List{2.5, INFINITY}));
  EXPECT_EQ(run->metrics.find("loss")->tokens[0], 512);
  EXPECT_EQ(values(*run, "eval_loss"), List{2.25});
  EXPECT_EQ(run->max_steps, 4);
  EXPECT_THROW(load_foreign_run(folder.write("other.json", "{\"a\": 1}")), Error);
}

TEST(CsvRun, TakesAnyStepColumn) {
  const ScratchFolder folder;
  const auto run = load_foreign_run(folder.write(
      "a.csv",
      "\xEF\xBB\xBFname,_step,train/loss,_runtime,acc\r\nx,20,2,5,\r\nx,10,3,1,0.5\r\nx,10,"
      "2.75,1.5,\r\nx,30,nan,9,0.75\r\n,,1,1,1\r\n"));
  ASSERT_TRUE(run);
  EXPECT_EQ(steps(*run, "loss"), (List{10, 20, 30}));
  EXPECT_EQ(values(*run, "loss")[0], 2.75) << "the last value of a step";
  EXPECT_TRUE(std::isnan(values(*run, "loss")[2]));
  EXPECT_EQ(steps(*run, "acc"), (List{10, 30}));
  EXPECT_EQ(run->metrics.find("loss")->seconds[0], 1.5);
  EXPECT_EQ(run->notes.size(), 2u) << "words in a column, a row without a step";
}

TEST(CsvRun, SaysWhichColumnIsMissing) {
  const ScratchFolder folder;
  try {
    load_foreign_run(folder.write("a.csv", "epoch,loss\n1,2\n"));
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("no step column among epoch, loss"),
              std::string::npos);
  }
  EXPECT_THROW(load_foreign_run(folder.write("b.csv", "")), Error);
  EXPECT_THROW(load_foreign_run(folder.write("c.csv", "step,loss\n")), Error);
  EXPECT_FALSE(load_foreign_run(folder.write("d.txt", "step,loss\n1,2\n")));
  EXPECT_FALSE(load_foreign_run(folder.path()));
}

}  // namespace
