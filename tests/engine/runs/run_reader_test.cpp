// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runs/run_reader.h"

#include "engine/runs/process_identity.h"
#include "engine/runs/run_catalog.h"
#include "engine/runs/run_control.h"
#include "engine/runs/run_liveness.h"
#include "engine/runs/run_writer.h"
#include "tests/support/fake_engine.h"
#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <random>

namespace engine {
namespace {

using tests::append_to;
using tests::content_of;
using tests::ScratchFolder;

std::string step_line(std::int64_t step, double loss = 1) {
  StepLogged logged;
  logged.step = step;
  logged.loss = loss;
  return to_json({double(step), logged}) + "\n";
}

std::string start_line(std::int64_t step) {
  RunStarted started;
  started.run_id = "r";
  started.step = step;
  return to_json({1, started}) + "\n";
}

/// What a watcher would draw: (step, loss) after applying every update in order.
struct Watcher {
  explicit Watcher(const std::filesystem::path& folder) : reader(folder) {}

  RunUpdate poll() {
    RunUpdate update = reader.poll();
    if (update.restarted) points.clear();
    if (update.rewind_to) {
      std::erase_if(points, [&](const auto& point) { return point.first > *update.rewind_to; });
    }
    for (const RunEvent& event : update.events) {
      if (const auto* step = std::get_if<StepLogged>(&event.body)) {
        points.emplace_back(step->step, step->loss);
      }
    }
    return update;
  }
  RunUpdate poll_all() {
    RunUpdate update = poll();
    while (update.more) update = poll();
    return update;
  }

  RunReader reader;
  std::vector<std::pair<std::int64_t, double>> points;
};

std::vector<std::int64_t> steps_of(const Watcher& watcher) {
  std::vector<std::int64_t> steps;
  for (const auto& point : watcher.points) steps.push_back(point.first);
  return steps;
}

using Steps = std::vector<std::int64_t>;

TEST(RunReader, ATornLastLineWaitsForItsRest) {
  const ScratchFolder folder;
  const std::string line = step_line(2);
  folder.write("events.jsonl", start_line(0) + step_line(1) + line.substr(0, 20));
  Watcher watcher(folder.path());
  watcher.poll();
  EXPECT_EQ(steps_of(watcher), (Steps{1}));
  EXPECT_TRUE(watcher.poll().events.empty());
  append_to(folder / "events.jsonl", line.substr(20, line.size() - 21));
  watcher.poll();
  EXPECT_EQ(steps_of(watcher), (Steps{1})) << "its newline is still missing";
  append_to(folder / "events.jsonl", "\n");
  watcher.poll();
  EXPECT_EQ(steps_of(watcher), (Steps{1, 2}));
  EXPECT_EQ(watcher.reader.skipped_lines(), 0u);
}

TEST(RunReader, AResumeDropsWhatItSupersedes) {
  const ScratchFolder folder;
  folder.write("events.jsonl", start_line(0) + step_line(1) + step_line(2) + step_line(3));
  Watcher live(folder.path());
  live.poll();
  append_to(folder / "events.jsonl", start_line(1) + step_line(2, 7));
  const RunUpdate update = live.poll();
  EXPECT_EQ(update.rewind_to, 1);
  EXPECT_EQ(live.points, (decltype(live.points){{1, 1}, {2, 7}}));
  Watcher later(folder.path());
  EXPECT_FALSE(later.poll().rewind_to);
  EXPECT_EQ(later.points, live.points);
}

TEST(RunReader, AResumeBehindTheLastStepRewindsNothing) {
  const ScratchFolder folder;
  folder.write("events.jsonl", start_line(0) + step_line(1) + step_line(2));
  Watcher watcher(folder.path());
  watcher.poll();
  append_to(folder / "events.jsonl", start_line(2) + step_line(3));
  EXPECT_FALSE(watcher.poll().rewind_to);
  EXPECT_EQ(steps_of(watcher), (Steps{1, 2, 3}));
}

TEST(RunReader, FutureEventsAreSupersededLikeAnyOther) {
  const ScratchFolder folder;
  folder.write("events.jsonl", start_line(0) + "{\"type\":\"sparks\",\"step\":9}\n" +
                                   "{\"type\":\"sparks\",\"step\":2}\n" + start_line(5));
  const auto events = RunReader(folder.path()).poll().events;
  int sparks = 0;
  for (const auto& event : events) sparks += std::holds_alternative<UnknownEvent>(event.body);
  EXPECT_EQ(sparks, 1);
}

TEST(RunReader, UnreadableLinesAreCountedAndSkipped) {
  const ScratchFolder folder;
  folder.write("events.jsonl", start_line(0) + "garbage\n\n" + std::string("\0\xff\n", 3) +
                                   "{\"type\":\"step\"}\n" + step_line(1));
  Watcher watcher(folder.path());
  watcher.poll();
  EXPECT_EQ(steps_of(watcher), (Steps{1}));
  EXPECT_EQ(watcher.reader.skipped_lines(), 3u);
}

TEST(RunReader, AnEndlessLineIsOneSkippedLine) {
  const ScratchFolder folder;
  folder.write("events.jsonl", step_line(1) + std::string(40u << 20, 'x'));
  Watcher watcher(folder.path());
  watcher.poll_all();
  append_to(folder / "events.jsonl", "\n" + step_line(2));
  watcher.poll_all();
  EXPECT_EQ(steps_of(watcher), (Steps{1, 2}));
  EXPECT_EQ(watcher.reader.skipped_lines(), 1u);
}

TEST(RunReader, ATruncatedFileStartsOver) {
  const ScratchFolder folder;
  folder.write("events.jsonl", start_line(0) + step_line(1) + step_line(2));
  Watcher watcher(folder.path());
  watcher.poll();
  std::filesystem::resize_file(folder / "events.jsonl", (start_line(0) + step_line(1)).size());
  EXPECT_TRUE(watcher.poll().restarted);
  EXPECT_EQ(steps_of(watcher), (Steps{1}));
}

TEST(RunReader, ATruncatedAndRegrownFileStartsOver) {
  const ScratchFolder folder;
  folder.write("events.jsonl", start_line(0) + step_line(1, 5) + step_line(2, 5));
  Watcher watcher(folder.path());
  watcher.poll();
  // Written in place: the same inode, and longer than what was read before.
  folder.write("events.jsonl", start_line(0) + step_line(1, 6) + step_line(2, 6) + step_line(3, 6));
  EXPECT_TRUE(watcher.poll().restarted);
  EXPECT_EQ(watcher.points, (decltype(watcher.points){{1, 6}, {2, 6}, {3, 6}}));
}

TEST(RunReader, AReplacedFileStartsOverAndAGrownCopyGoesOn) {
  const ScratchFolder folder;
  const std::string text = start_line(0) + step_line(1, 5) + step_line(2, 5);
  folder.write("events.jsonl", text);
  Watcher watcher(folder.path());
  watcher.poll();
  replace_file(folder / "events.jsonl", text + step_line(3, 5));
  EXPECT_FALSE(watcher.poll().restarted);
  EXPECT_EQ(steps_of(watcher), (Steps{1, 2, 3}));
  // Equal at both ends of what was read, different in the middle.
  replace_file(folder / "events.jsonl",
               start_line(0) + step_line(1, 9) + step_line(2, 5) + step_line(3, 5) + step_line(4));
  EXPECT_TRUE(watcher.poll().restarted);
  EXPECT_EQ(watcher.points.front().second, 9);
  EXPECT_EQ(steps_of(watcher), (Steps{1, 2, 3, 4}));
}

TEST(RunReader, ADeletedFolderIsUnknownAndComesBackWithoutDuplicates) {
  const ScratchFolder folder;
  std::filesystem::create_directory(folder / "run");
  folder.write("run/events.jsonl", start_line(0) + step_line(1));
  Watcher watcher(folder / "run");
  watcher.poll();
  std::filesystem::rename(folder / "run", folder / "gone");
  RunUpdate update = watcher.poll();
  EXPECT_EQ(update.state, RunState::unknown);
  EXPECT_EQ(update.detail, "folder not reachable");
  append_to(folder / "gone/events.jsonl", step_line(2));
  std::filesystem::rename(folder / "gone", folder / "run");
  watcher.poll();
  EXPECT_EQ(steps_of(watcher), (Steps{1, 2}));
}

TEST(RunReader, NeverThrowsForOddFolders) {
  const ScratchFolder folder;
  EXPECT_EQ(RunReader(folder / "absent").poll().state, RunState::unknown);
  EXPECT_EQ(RunReader(folder.path()).poll().state, RunState::unknown);
  std::filesystem::create_directories(folder / "a/events.jsonl");
  std::filesystem::create_directories(folder / "a/status.json");
  EXPECT_NO_THROW(RunReader(folder / "a").poll());
  std::filesystem::create_directory(folder / "b");
  ASSERT_EQ(mkfifo((folder / "b/events.jsonl").c_str(), 0600), 0);
  ASSERT_EQ(mkfifo((folder / "b/status.json").c_str(), 0600), 0);
  ASSERT_EQ(mkfifo((folder / "b/run.lock").c_str(), 0600), 0);
  EXPECT_NO_THROW(RunReader(folder / "b").poll());
  std::filesystem::create_directory(folder / "c");
  std::filesystem::create_symlink("events.jsonl", folder / "c/events.jsonl");
  EXPECT_NO_THROW(RunReader(folder / "c").poll());
  folder.write("file", "x");
  EXPECT_NO_THROW(RunReader(folder / "file").poll());
}

TEST(RunReader, WritesNothing) {
  const ScratchFolder folder;
  folder.write("events.jsonl", start_line(0) + "torn");
  folder.write("status.json", "{");
  RunReader reader(folder.path());
  reader.poll();
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 2);
  EXPECT_EQ(content_of(folder / "events.jsonl"), start_line(0) + "torn");
}

TEST(RunReader, AnySplitOfTheSameBytesGivesTheSameSeries) {
  std::string text = start_line(0);
  std::mt19937 random(7);
  std::int64_t step = 0;
  for (int i = 0; i < 150; ++i) {
    text += step_line(++step, double(random() % 100));
    if (random() % 20 == 0) text += "garbage\n";
    if (random() % 40 == 0) text += "{\"type\":\"sparks\",\"step\":" + std::to_string(step) + "}\n";
    if (random() % 30 == 0) text += start_line(step = std::int64_t(random() % (step + 1)));
  }
  const ScratchFolder whole;
  whole.write("events.jsonl", text);
  Watcher afterwards(whole.path());
  afterwards.poll();
  ASSERT_GT(afterwards.points.size(), 3u);

  const int rounds = std::getenv("PARADIGM_LONG_TESTS") != nullptr ? 2000 : 30;
  for (int round = 0; round < rounds; ++round) {
    const ScratchFolder folder;
    folder.write("events.jsonl", "");
    Watcher live(folder.path());
    std::ofstream file(folder / "events.jsonl", std::ios::binary | std::ios::app);
    const std::size_t longest = round % 2 == 0 ? 100 : 3000;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t size = 1 + random() % longest;
      file << text.substr(at, size) << std::flush;
      at += size;
      if (random() % 3 == 0 || at >= text.size()) live.poll();
    }
    ASSERT_EQ(live.points, afterwards.points);
    ASSERT_EQ(live.reader.skipped_lines(), afterwards.reader.skipped_lines());
  }
}

TEST(RunReader, LargeFilesComeInPartsWithTheSameResult) {
  const ScratchFolder folder;
  std::string text = start_line(0);
  for (int step = 1; text.size() < (20u << 20); ++step) text += step_line(step);
  text += start_line(10) + step_line(11, 4);
  folder.write("events.jsonl", text);
  Watcher watcher(folder.path());
  EXPECT_TRUE(watcher.poll().more);
  watcher.poll_all();
  EXPECT_EQ(watcher.points.size(), 11u);
  EXPECT_EQ(watcher.points.back().second, 4);
}

TEST(RunReader, ManyRestartsDoNotCostQuadraticTime) {
  const ScratchFolder folder;
  std::string text;
  for (int i = 0; i < 100000; ++i) text += start_line(0) + "{\"type\":\"step\",\"step\":5}\n";
  folder.write("events.jsonl", text);
  const std::clock_t begin = std::clock();
  Watcher watcher(folder.path());
  watcher.poll_all();
  EXPECT_EQ(watcher.points.size(), 1u);
  // Processor time, because the machine may be busy: 1 s as built for release, minutes when
  // quadratic.
  EXPECT_LT(double(std::clock() - begin) / CLOCKS_PER_SEC, 60);
}

// States.

RunStatus status_of(RunState state) {
  RunStatus status;
  status.state = state;
  status.pid = getpid();
  status.process_start_time = process_start_time(getpid()).value();
  status.host = host_name();
  status.step = 412;
  status.updated = unix_time();
  return status;
}

/// Reader and catalog must agree; returns what both say.
ObservedState seen(const ScratchFolder& folder) {
  const ObservedState catalog = observe_state(folder.path());
  const RunUpdate update = RunReader(folder.path()).poll();
  EXPECT_EQ(catalog.state, update.state);
  EXPECT_EQ(catalog.detail, update.detail);
  return catalog;
}

TEST(RunStateSeen, RunningOnlyWhileTheWriterLives) {
  const ScratchFolder folder;
  folder.write("events.jsonl", start_line(0) + step_line(412));
  folder.write("status.json", to_json(status_of(RunState::running)));
  EXPECT_EQ(seen(folder).state, RunState::running) << "no lock file: the process decides";
  {
    const auto lock = RunLock::acquire(folder.path());
    EXPECT_EQ(seen(folder).state, RunState::running);
  }
  const ObservedState after = seen(folder);
  EXPECT_EQ(after.state, RunState::interrupted);
  EXPECT_EQ(after.detail, "writer gone at step 412");
}

TEST(RunStateSeen, ARecycledPidIsNotTheWriter) {
  const ScratchFolder folder;
  RunStatus status = status_of(RunState::running);
  status.process_start_time += 1;
  folder.write("status.json", to_json(status));
  EXPECT_EQ(seen(folder).state, RunState::interrupted);
}

TEST(RunStateSeen, AnotherHostIsBelievedWhileItGivesASign) {
  const ScratchFolder folder;
  RunStatus status = status_of(RunState::running);
  status.host = "another-host";
  folder.write("status.json", to_json(status));
  EXPECT_EQ(seen(folder).state, RunState::running);
  status.updated = unix_time() - 30;
  folder.write("status.json", to_json(status));
  RunReader watcher(folder.path());
  EXPECT_EQ(watcher.poll().detail, "on host another-host, last sign 30 s ago") << "not yet moved";
  status.updated = unix_time();
  folder.write("status.json", to_json(status));
  EXPECT_EQ(watcher.poll().detail, "on host another-host");
  status.updated = unix_time() - 240;
  folder.write("status.json", to_json(status));
  const ObservedState old = seen(folder);
  EXPECT_EQ(old.state, RunState::unknown);
  EXPECT_EQ(old.detail, "no sign for 4 min from host another-host");
}

TEST(RunStateSeen, AClockThatDisagreesNeitherHidesNorInventsASignOfLife) {
  for (const double shift : {-86400.0, 86400.0}) {
    const ScratchFolder folder;
    RunStatus status = status_of(RunState::running);
    status.host = "another-host";
    status.updated = unix_time() + shift;
    folder.write("status.json", to_json(status));
    EXPECT_EQ(seen(folder).state, RunState::unknown) << "nothing says that it lives";
    RunReader watcher(folder.path());
    EXPECT_EQ(watcher.poll().state, RunState::unknown);
    status.step += 1;
    status.updated += 1;
    folder.write("status.json", to_json(status));
    EXPECT_EQ(watcher.poll().state, RunState::running) << "it has been seen to move";
  }
  StateEvidence evidence;
  evidence.folder_exists = evidence.is_run = true;
  evidence.status = status_of(RunState::running);
  evidence.status->host = "another-host";
  evidence.unchanged_for = 300;
  EXPECT_EQ(judge(evidence).state, RunState::unknown) << "whatever the clock of its host says";
  EXPECT_EQ(judge(evidence).detail, "no sign for 5 min from host another-host");
}

TEST(RunStateSeen, AResumeIsSeenAlsoWithAClockSetBack) {
  const ScratchFolder folder;
  const double later = unix_time() + 86400;
  folder.write("events.jsonl",
               start_line(0) + to_json({later, RunFinished{60, "stopped", 1}}) + "\n");
  EXPECT_EQ(seen(folder).state, RunState::stopped);
  const auto lock = RunLock::acquire(folder.path());
  folder.write("status.json", to_json(status_of(RunState::starting)));
  EXPECT_EQ(seen(folder).state, RunState::starting);
}

TEST(RunStateSeen, TheEndIsWhatTheEventsSay) {
  const ScratchFolder folder;
  RunStatus status = status_of(RunState::running);
  status.updated = 5;
  folder.write("status.json", to_json(status));
  const std::string start = start_line(0);
  folder.write("events.jsonl", start + to_json({9, RunFinished{100, "finished", 1}}) + "\n");
  EXPECT_EQ(seen(folder).state, RunState::finished);
  folder.write("events.jsonl", start + to_json({9, RunFinished{60, "stopped", 1}}) + "\n");
  EXPECT_EQ(seen(folder).state, RunState::stopped);
  EXPECT_EQ(seen(folder).detail, "stopped at step 60");
  folder.write("events.jsonl",
               start + to_json({9, RunFailed{7, "disk full", "checkpoint-5"}}) + "\n");
  EXPECT_EQ(seen(folder).state, RunState::failed);
  EXPECT_EQ(seen(folder).detail, "disk full (last good checkpoint: checkpoint-5)");
}

TEST(RunStateSeen, AResumeAfterTheEndIsRunningAgain) {
  const ScratchFolder folder;
  folder.write("events.jsonl", start_line(0) + to_json({9, RunFinished{60, "stopped", 1}}) + "\n");
  const auto lock = RunLock::acquire(folder.path());
  folder.write("status.json", to_json(status_of(RunState::starting)));
  EXPECT_EQ(seen(folder).state, RunState::starting);
  append_to(folder / "events.jsonl", start_line(60));
  folder.write("status.json", to_json(status_of(RunState::running)));
  EXPECT_EQ(seen(folder).state, RunState::running);
}

TEST(RunStateSeen, GarbageInTheStatusIsNeverASuccess) {
  for (const std::string& text : {std::string(), std::string("{"), std::string("[]"),
                                  std::string("\0\0\0", 3), std::string(1 << 20, '{')}) {
    const ScratchFolder folder;
    folder.write("status.json", text);
    EXPECT_EQ(seen(folder).state, RunState::interrupted);
    folder.write("events.jsonl", start_line(0) + step_line(3));
    EXPECT_EQ(seen(folder).detail, "writer gone at step 3");
  }
}

TEST(RunStateSeen, AKilledWriterLeavesAReadableInterruptedRun) {
  const int rounds = std::getenv("PARADIGM_LONG_TESTS") != nullptr ? 200 : 10;
  std::mt19937 random(3);
  for (int round = 0; round < rounds; ++round) {
    const ScratchFolder folder;
    const pid_t child = fork();
    if (child == 0) {
      RunConfig config;
      config.output_dir = (folder / "run").string();
      config.max_steps = 1000000;
      config.logging_steps = 1;
      config.save_steps = 50;
      RunControl control;
      tests::FakeEngine().train(config, control);
      _exit(0);
    }
    Watcher watcher(folder / "run");
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (watcher.points.size() < 3 && std::chrono::steady_clock::now() < give_up) watcher.poll();
    usleep(useconds_t(random() % 20000));
    EXPECT_EQ(watcher.poll_all().state, RunState::running);
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    const RunUpdate last = watcher.poll_all();
    EXPECT_EQ(last.state, RunState::interrupted) << last.detail;
    EXPECT_EQ(watcher.reader.skipped_lines(), 0u);
    ASSERT_GE(watcher.points.size(), 3u);
    for (std::size_t i = 0; i < watcher.points.size(); ++i) {
      ASSERT_EQ(watcher.points[i].first, std::int64_t(i + 1)) << "every complete line, once";
      ASSERT_EQ(watcher.points[i].second, tests::fake_loss(std::int64_t(i + 1)));
    }

    RunConfig config;
    config.output_dir = (folder / "run").string();
    config.max_steps = std::int64_t(watcher.points.size()) + 60;
    config.logging_steps = 1;
    RunControl control;
    EXPECT_TRUE(tests::FakeEngine().train(config, control).finished);
    EXPECT_EQ(watcher.poll_all().state, RunState::finished);
    EXPECT_EQ(watcher.points.size(), std::size_t(config.max_steps));
  }
}

}  // namespace
}  // namespace engine
