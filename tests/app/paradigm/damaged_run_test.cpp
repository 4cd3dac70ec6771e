// SPDX-License-Identifier: GPL-3.0-or-later
// Every file of a true run folder is lost, cut, emptied, garbled, replaced by a folder or a pipe,
// or comes from a newer version or another machine. The run is shown as far as it can be read;
// looking at it changes nothing; going on with it works or says what is wrong.
#include "engine/runs/process_identity.h"
#include "tests/support/program_run.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tiny_llama.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using tests::ProgramRun;

struct Damage {
  std::string name;
  std::function<void(const fs::path&)> act;
};

void put(const fs::path& file, const std::string& text) {
  fs::resize_file(file, 0);
  tests::append_to(file, text);
}

std::vector<Damage> damages() {
  return {
      {"lost", [](const fs::path& file) { fs::remove(file); }},
      {"emptied", [](const fs::path& file) { fs::resize_file(file, 0); }},
      {"cut in half", [](const fs::path& file) { fs::resize_file(file, fs::file_size(file) / 2); }},
      {"cut at its end",
       [](const fs::path& file) { fs::resize_file(file, fs::file_size(file) - 2); }},
      {"garbled", [](const fs::path& file) { put(file, std::string("\0\xff{[\n\"\x80:", 8)); }},
      {"deeply nested", [](const fs::path& file) { put(file, std::string(200000, '[')); }},
      {"a folder",
       [](const fs::path& file) {
         fs::remove(file);
         fs::create_directory(file);
       }},
      {"a pipe",
       [](const fs::path& file) {
         fs::remove(file);
         mkfifo(file.c_str(), 0600);
       }},
      {"a link to itself",
       [](const fs::path& file) {
         fs::remove(file);
         fs::create_symlink(file.filename(), file);
       }},
  };
}

/// All damages of all files in ./test --long; else each damage once in a while and each file too.
bool is_tried(std::size_t file, std::size_t damage) {
  return std::getenv("PARADIGM_LONG_TESTS") != nullptr || (file + damage) % 4 == 0;
}

/// Name, kind, size, time and content of everything below a folder.
std::map<std::string, std::string> listing(const fs::path& folder) {
  std::map<std::string, std::string> all;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    struct stat info = {};
    lstat(entry.path().c_str(), &info);
    std::string text = std::to_string(info.st_mode) + " " + std::to_string(info.st_size) + " " +
                       std::to_string(info.st_mtim.tv_sec) + "." +
                       std::to_string(info.st_mtim.tv_nsec);
    if (S_ISREG(info.st_mode)) text += " " + tests::content_of(entry.path());
    all[entry.path().string()] = text;
  }
  return all;
}

class DamagedRun : public testing::Test {
 protected:
  void SetUp() override {
    tests::write_tiny_llama(folder_ / "tiny", {.layers = 1});
    folder_.write("text.txt", tests::tiny_text(1200));
    folder_.write("rules.yaml", "layer_name_to_config:\n  default: {q_levels: 64}\n");
    const ProgramRun made = paradigm({"train",      "--model_name_or_path",
                                      "tiny",       "--train_file",
                                      "text.txt",   "--transform_config",
                                      "rules.yaml", "--output_dir",
                                      "whole",      "--block_size",
                                      "16",         "--per_device_train_batch_size",
                                      "4",          "--max_steps",
                                      "6",          "--logging_steps",
                                      "1",          "--layer_stats_steps",
                                      "2",          "--save_steps",
                                      "2",          "--device",
                                      "cpu"});
    ASSERT_EQ(made.exit_code, 0) << made.err;
  }

  ProgramRun paradigm(const std::vector<std::string>& words) const {
    return tests::run_program(
        PARADIGM_BIN_DIR "/paradigm", words, "", folder_.path(),
        {"OMP_NUM_THREADS=1", "XDG_CACHE_HOME=" + (folder_ / "cache").string()});
  }

  /// A copy of the run to be damaged.
  fs::path fresh_copy() const {
    fs::remove_all(folder_ / "run");
    fs::copy(folder_ / "whole", folder_ / "run", fs::copy_options::recursive);
    return folder_ / "run";
  }

  /// Damages each file below the folder in every way, one at a time, each in a fresh copy of the
  /// run; then look(name, what was done).
  template <class Look>
  void damage_each(const std::string& below, const std::vector<std::string>& files,
                   const Look& look) const {
    const std::vector<Damage> all = damages();
    for (std::size_t i = 0; i < files.size() * all.size(); ++i) {
      const std::string& name = files[i / all.size()];
      const Damage& damage = all[i % all.size()];
      if (!is_tried(i / all.size(), i % all.size())) continue;
      const fs::path file = fresh_copy() / below / name;
      ASSERT_TRUE(fs::exists(file)) << file;
      damage.act(file);
      look(name, (fs::path(below) / name).string() + " is " + damage.name);
    }
  }

  /// `paradigm runs show`, with all the other ways to look.
  json looked_at(const std::string& what) const {
    const auto before = listing(folder_ / "run");
    json shown;
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"runs", "show", "run", "--json"},
          {"runs", "list", ".", "--json"},
          {"runs", "export", "run", "--csv"},
          {"runs", "export", "run", "--csv", "--layer_stats"}}) {
      const ProgramRun looked = paradigm(words);
      EXPECT_TRUE(looked.exit_code == 0 || (looked.exit_code == 2 && !looked.err.empty()))
          << what << ": " << words[1] << " ended with " << looked.exit_code << " " << looked.err;
      EXPECT_EQ(looked.err.find("exception"), std::string::npos) << what << looked.err;
      if (words[1] == "show" && looked.exit_code == 0) {
        EXPECT_TRUE(json::accept(looked.out)) << what;
        shown = json::parse(looked.out, nullptr, false);
      }
    }
    EXPECT_TRUE(before == listing(folder_ / "run")) << what << ": looking changed it";
    return shown;
  }

  tests::ScratchFolder folder_;
};

TEST_F(DamagedRun, WhateverFileIsDamagedItIsShownUnchangedAndNeverBetterThanItIs) {
  const std::vector<std::string> files = {"events.jsonl", "status.json",
                                          "run.yaml",     "transform.yaml",
                                          "run.lock",     "transform_histogram.json",
                                          "config.json"};
  damage_each("", files, [&](const std::string& name, const std::string& what) {
    const json shown = looked_at(what);
    if (shown.is_null()) return;
    const std::string state = shown.at("state");
    EXPECT_TRUE(state == "finished" || state == "interrupted") << what << ": " << state;
    if (name != "events.jsonl") {
      EXPECT_EQ(state, "finished") << what;
      EXPECT_EQ(shown.at("last_metrics").at("step"), 6) << what;
    }
  });
}

TEST_F(DamagedRun, GoingOnUsesTheNewestWholeCheckpointAndNamesTheDamagedOne) {
  const std::vector<std::string> files = {"model.safetensors", "optimizer.safetensors",
                                          "simulation_state.safetensors", "manifest.json",
                                          "config.json"};
  damage_each("checkpoint-6", files, [&](const std::string&, const std::string& what) {
    looked_at(what);
    const ProgramRun more = paradigm({"train", "--config", "run/run.yaml", "--output_dir", "run",
                                      "--resume_from_checkpoint", "true", "--max_steps", "7"});
    EXPECT_EQ(more.exit_code, 0) << what << ": " << more.err;
    EXPECT_NE((more.out + more.err).find("checkpoint-6"), std::string::npos)
        << what << " and is not named: " << more.out << more.err;
    EXPECT_NE((more.out + more.err).find("checkpoint-4"), std::string::npos)
        << what << ": " << more.out << more.err;
  });
}

TEST_F(DamagedRun, WhatANewerVersionWroteIsShownAsFarAsItIsUnderstood) {
  const fs::path run = fresh_copy();
  tests::append_to(run / "events.jsonl",
                   "{\"type\":\"quantum_leap\",\"time\":9e9,\"step\":7,\"text\":\"new\"}\n");
  json status = json::parse(tests::content_of(run / "status.json"));
  status["state"] = "hibernating";
  status["schema_version"] = 99;
  put(run / "status.json", status.dump());
  tests::append_to(run / "run.yaml", "\nwarp_factor: 9\n");
  json shown = looked_at("from a newer version");
  EXPECT_EQ(shown.at("state"), "finished");
  EXPECT_EQ(shown.at("last_metrics").at("step"), 6);

  json manifest = json::parse(tests::content_of(run / "checkpoint-6/manifest.json"));
  manifest["schema_version"] = 99;
  put(run / "checkpoint-6/manifest.json", manifest.dump());
  const ProgramRun refused =
      paradigm({"train", "--model_name_or_path", "tiny", "--train_file", "text.txt", "--output_dir",
                "more", "--max_steps", "8", "--resume_from_checkpoint", "run/checkpoint-6"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_NE(refused.err.find("99"), std::string::npos) << refused.err;
  EXPECT_FALSE(fs::exists(folder_ / "more"));
}

TEST_F(DamagedRun, OfAnotherMachineItIsNotSaidToLiveNorToHaveDied) {
  const fs::path run = fresh_copy();
  const std::string events = tests::content_of(run / "events.jsonl");
  const auto end = events.rfind('\n', events.find("run_finished")) + 1;
  put(run / "events.jsonl", events.substr(0, end));
  json status = json::parse(tests::content_of(run / "status.json"));
  status["state"] = "running";
  status["host"] = "a-cluster-node";
  status["updated"] = engine::unix_time() - 3600;
  put(run / "status.json", status.dump());
  fs::remove(run / "run.lock");
  const json shown = looked_at("of another machine");
  EXPECT_EQ(shown.at("state"), "unknown");
  EXPECT_NE(shown.dump().find("a-cluster-node"), std::string::npos) << shown;
}

}  // namespace
