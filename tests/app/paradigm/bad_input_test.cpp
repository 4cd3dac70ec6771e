// SPDX-License-Identifier: GPL-3.0-or-later
// What a user can get wrong, through the built program: each ends with one clear message that names
// the thing, the value and the remedy, exit code 2, and nothing half-written.
#include "engine/runs/run_catalog.h"
#include "tests/support/program_run.h"
#include "tests/support/scratch_folder.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using tests::ProgramRun;
using tests::ScratchFolder;

const fs::path kDemo = fs::path(PARADIGM_SOURCE_DIR) / "resources/demo";

ProgramRun run_paradigm(const std::vector<std::string>& arguments,
                        const std::vector<std::string>& environment = {}) {
  return tests::run_program(PARADIGM_BIN_DIR "/paradigm", arguments, "", PARADIGM_SOURCE_DIR,
                            environment);
}

/// A copy of the demo that a test may break, and the commands to try on it.
class BadInput : public testing::Test {
 protected:
  BadInput() : model_(scratch_ / "model"), text_(scratch_ / "text.txt"), run_(scratch_ / "run") {
    fs::copy(kDemo / "checkpoint", model_, fs::copy_options::recursive);
    fs::copy(kDemo / "notes_validation.txt", text_);
  }

  std::vector<std::string> train_arguments() const {
    return {"train",
            "--model_name_or_path",
            model_.string(),
            "--train_file",
            text_.string(),
            "--output_dir",
            run_.string(),
            "--max_steps",
            "2",
            "--block_size",
            "32",
            "--transform_config",
            transform_.empty() ? "none" : transform_.string(),
            "--logging_steps",
            "1",
            "--device",
            "cpu",
            "--per_device_train_batch_size",
            "2"};
  }

  ProgramRun train(const std::vector<std::string>& more = {},
                   const std::vector<std::string>& environment = {}) const {
    auto arguments = train_arguments();
    arguments.insert(arguments.end(), more.begin(), more.end());
    auto with_cache = environment;
    with_cache.push_back("XDG_CACHE_HOME=" + (scratch_ / "cache").string());
    return run_paradigm(arguments, with_cache);
  }

  /// The contract of every refusal, and the words that this one must contain.
  void expect_refused(const ProgramRun& result, const std::vector<std::string>& words) const {
    EXPECT_EQ(result.exit_code, 2) << result.out << result.err;
    EXPECT_NE(result.err.find("error"), std::string::npos) << result.err;
    EXPECT_EQ(result.err.find("terminate called"), std::string::npos) << result.err;
    EXPECT_EQ(result.err.find("Exception raised from"), std::string::npos)
        << "a LibTorch backtrace: " << result.err;
    for (const std::string& word : words)
      EXPECT_NE(result.err.find(word), std::string::npos) << word << " is not in: " << result.err;
    std::error_code circle;
    EXPECT_FALSE(fs::exists(run_ / "events.jsonl", circle)) << "a refused run left events behind";
    EXPECT_FALSE(fs::exists(run_ / "model.safetensors", circle));
  }

  void use_transform(const std::string& yaml) {
    transform_ = scratch_.write("transform.yaml", yaml);
  }

  ScratchFolder scratch_;
  fs::path model_;
  fs::path text_;
  fs::path run_;
  fs::path transform_;
};

void replace_in(const fs::path& file, const std::string& from, const std::string& to) {
  std::string text = tests::content_of(file);
  const auto at = text.find(from);
  ASSERT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
  std::ofstream(file) << text;
}

const char* const kRule =
    "{q_levels: 256, q_lut_min: 0.020040, q_quantiles: null, q_smooth_factor: 0.9, q_init_seed: 0, "
    "q_bypass: false}";

TEST_F(BadInput, TheUnbrokenCopyTrains) {
  const ProgramRun result = train();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(fs::exists(run_ / "model.safetensors"));
}

TEST_F(BadInput, TruncatedWeights) {
  fs::resize_file(model_ / "model.safetensors", fs::file_size(model_ / "model.safetensors") / 2);
  expect_refused(train(), {"model.safetensors"});
  // inspect still prints the facts, and the problem among them.
  const ProgramRun inspected = run_paradigm({"inspect", model_.string()});
  EXPECT_EQ(inspected.exit_code, 2);
  EXPECT_NE(inspected.out.find("model.safetensors"), std::string::npos) << inspected.out;
}

TEST_F(BadInput, GarbageWeights) {
  std::ofstream(model_ / "model.safetensors") << "this is not a safetensors file at all";
  expect_refused(train(), {"model.safetensors"});
}

TEST_F(BadInput, MissingShard) {
  fs::remove(model_ / "model.safetensors");
  std::ofstream(model_ / "model.safetensors.index.json")
      << R"({"metadata": {"total_size": 4}, "weight_map": {"lm_head.weight": "model-00001-of-00002.safetensors"}})";
  expect_refused(train(), {"model-00001-of-00002.safetensors"});
}

TEST_F(BadInput, NoWeightsAtAll) {
  fs::remove(model_ / "model.safetensors");
  expect_refused(train(), {"model.safetensors"});
}

TEST_F(BadInput, OnlyPickledWeightsNamesTheConversion) {
  fs::rename(model_ / "model.safetensors", model_ / "pytorch_model.bin");
  expect_refused(train(), {"pytorch_model.bin", "python -c", "save_pretrained"});
}

TEST_F(BadInput, AnotherArchitecture) {
  replace_in(model_ / "config.json", "\"llama\"", "\"gpt2\"");
  expect_refused(train(), {"config.json", "gpt2"});
}

TEST_F(BadInput, BrokenConfig) {
  std::ofstream(model_ / "config.json") << "{\"hidden_size\": 12";
  expect_refused(train(), {"config.json"});
}

TEST_F(BadInput, TokenizerOfAnotherKind) {
  replace_in(model_ / "tokenizer.json", "\"BPE\"", "\"WordPiece\"");
  expect_refused(train(), {"tokenizer.json", "WordPiece"});
}

TEST_F(BadInput, MissingTokenizer) {
  fs::remove(model_ / "tokenizer.json");
  expect_refused(train(), {"tokenizer.json"});
}

TEST_F(BadInput, EmptyText) {
  std::ofstream(text_).close();
  expect_refused(train(), {"text.txt"});
}

TEST_F(BadInput, BinaryText) {
  std::ofstream(text_) << std::string("abc\0def\xff\xfe\n", 9);
  expect_refused(train(), {"text.txt"});
}

TEST_F(BadInput, TextShorterThanOneBlock) {
  std::ofstream(text_) << "Three short words.\n";
  expect_refused(train(), {"block_size", "32"});
}

TEST_F(BadInput, CsvIsRefusedByName) {
  fs::rename(text_, scratch_ / "text.csv");
  text_ = scratch_ / "text.csv";
  expect_refused(train(), {"csv"});
}

TEST_F(BadInput, MissingTextFile) {
  fs::remove(text_);
  expect_refused(train(), {"text.txt"});
}

TEST_F(BadInput, RegexThatDoesNotCompile) {
  use_transform(
      std::string("use_regex: true\nlayer_name_to_config:\n  'model\\.layers\\.([0-9]+': ") +
      kRule + "\n  default: null\n");
  expect_refused(train(), {"transform.yaml:3:", "[0-9]+"});
}

TEST_F(BadInput, UnknownTransformKeyNamesTheNearest) {
  use_transform("use_regex: true\nlayer_name_to_config:\n  default:\n    q_levls: 256\n");
  expect_refused(train(), {"transform.yaml:4:", "q_levls", "q_levels"});
}

TEST_F(BadInput, DuplicatePattern) {
  use_transform(
      "use_regex: true\nlayer_name_to_config:\n  lm_head: null\n  lm_head: null\n  default: "
      "null\n");
  expect_refused(train(), {"transform.yaml:4:", "lm_head"});
}

TEST_F(BadInput, TransformValueOutOfRange) {
  use_transform("use_regex: true\nlayer_name_to_config:\n  default:\n    q_levels: 1\n");
  expect_refused(train(), {"transform.yaml:4:", "q_levels", "65536"});
}

TEST_F(BadInput, UnmatchedLayerIsNamed) {
  use_transform(std::string("use_regex: true\nlayer_name_to_config:\n  lm_head: null\n  "
                            "'model\\.layers\\..*proj': ") +
                kRule + "\n");
  expect_refused(train(), {"model.layers.0.self_attn"});
}

TEST_F(BadInput, TransformFileThatIsNotThere) {
  transform_ = scratch_ / "nowhere.yaml";
  expect_refused(train(), {"nowhere.yaml"});
}

TEST_F(BadInput, OutputFolderWithForeignFiles) {
  fs::create_directories(run_);
  std::ofstream(run_ / "thesis.txt") << "years of work";
  expect_refused(train(), {run_.string()});
  EXPECT_EQ(tests::content_of(run_ / "thesis.txt"), "years of work");
}

TEST_F(BadInput, OutputFolderOfAFinishedRun) {
  ASSERT_EQ(train().exit_code, 0);
  const std::string events = tests::content_of(run_ / "events.jsonl");
  const ProgramRun again = train();
  EXPECT_EQ(again.exit_code, 2) << again.err;
  EXPECT_NE(again.err.find("overwrite_output_dir"), std::string::npos) << again.err;
  EXPECT_EQ(tests::content_of(run_ / "events.jsonl"), events);
}

TEST_F(BadInput, OutputFolderThatCannotBeMade) {
  run_ = "/proc/self/no/run";
  expect_refused(train(), {"/proc/self/no"});
}

TEST_F(BadInput, MisspeltFlagNamesTheNearest) {
  expect_refused(train({"--lerning_rate", "1e-3"}), {"lerning_rate", "learning_rate"});
}

TEST_F(BadInput, KnownButUnsupportedFlagSaysWhy) {
  expect_refused(train({"--fp16"}), {"fp16", "bf16"});
}

TEST_F(BadInput, FlagValueOutOfRange) {
  expect_refused(train({"--learning_rate", "-1"}), {"learning_rate", "-1"});
}

TEST_F(BadInput, FlagValueOfAnotherType) {
  expect_refused(train({"--save_steps", "many"}), {"save_steps", "many"});
}

TEST_F(BadInput, ModelThatIsNowhere) {
  model_ = scratch_ / "nowhere";
  expect_refused(train(), {"nowhere"});
}

TEST_F(BadInput, HubNameNotInTheCacheNamesTheDownload) {
  model_ = "AICrossSim/clm-60m";
  expect_refused(train({}, {"HF_HUB_CACHE=" + (scratch_ / "hub").string()}),
                 {"AICrossSim/clm-60m", "download"});
}

TEST_F(BadInput, SeveralRanksAreRefusedByName) {
  expect_refused(train({}, {"WORLD_SIZE=2"}), {"WORLD_SIZE"});
}

TEST_F(BadInput, NumbersBeyondAnyRange) {
  const std::pair<const char*, const char*> flags[] = {
      {"--per_device_train_batch_size", "4611686018427387904"},
      {"--gradient_accumulation_steps", "4611686018427387904"},
      {"--num_train_epochs", "1e300"},
      {"--learning_rate", "nan"},
      {"--seed", "-1"}};
  std::vector<std::string> all;
  std::vector<std::string> words;
  for (const auto& [flag, value] : flags) {
    all.insert(all.end(), {flag, value});
    words.emplace_back(flag);
  }
  expect_refused(train(all), words);
  expect_refused(train({"--block_size", "1000000000000000000000000000000"}), {"--block_size"});
}

TEST_F(BadInput, ModelThatDoesNotFitIntoMemory) {
  const fs::path config = scratch_ / "huge" / "config.json";
  fs::create_directories(config.parent_path());
  fs::copy(model_ / "config.json", config);
  replace_in(config, "\"hidden_size\": 128", "\"hidden_size\": 65536");
  replace_in(config, "\"num_hidden_layers\": 4", "\"num_hidden_layers\": 900");
  const ProgramRun result =
      run_paradigm({"train", "--config_name", config.string(), "--tokenizer_name", model_.string(),
                    "--train_file", text_.string(), "--output_dir", run_.string(), "--block_size",
                    "32", "--device", "cpu"},
                   {"XDG_CACHE_HOME=" + (scratch_ / "cache").string()});
  expect_refused(result, {"parameters", "GB"});
  EXPECT_FALSE(fs::exists(run_));
}

TEST_F(BadInput, NamedPipesInAFilesPlaceNeverHoldTheProgram) {
  fs::remove(model_ / "generation_config.json");
  ASSERT_EQ(mkfifo((model_ / "generation_config.json").c_str(), 0600), 0);
  expect_refused(train(), {"generation_config.json"});
  transform_ = scratch_ / "pipe.yaml";
  ASSERT_EQ(mkfifo(transform_.c_str(), 0600), 0);
  expect_refused(train(), {"pipe.yaml"});
}

TEST_F(BadInput, LinksThatLeadInACircle) {
  fs::remove(model_ / "tokenizer.json");
  fs::create_symlink("tokenizer.json", model_ / "tokenizer.json");
  expect_refused(train(), {"tokenizer.json"});
  fs::create_symlink("run", run_);
  expect_refused(train(), {run_.string()});
  EXPECT_TRUE(fs::is_symlink(run_)) << "the link is the user's";
}

TEST_F(BadInput, OverwritingTheCheckpointThatTheRunStartsFrom) {
  const std::string weights = tests::content_of(model_ / "model.safetensors");
  run_ = model_;
  const ProgramRun result = train({"--overwrite_output_dir"});
  EXPECT_EQ(result.exit_code, 2) << result.err;
  EXPECT_NE(result.err.find("--output_dir"), std::string::npos) << result.err;
  EXPECT_TRUE(tests::content_of(model_ / "model.safetensors") == weights);
}

TEST_F(BadInput, OutputFolderOfALiveRun) {
  auto arguments = train_arguments();
  arguments.insert(arguments.begin(), PARADIGM_BIN_DIR "/paradigm");
  arguments.insert(arguments.end(), {"--max_steps", "1000000"});
  const pid_t child = fork();
  if (child == 0) {
    setenv("XDG_CACHE_HOME", (scratch_ / "cache").c_str(), 1);
    const int nowhere = open("/dev/null", O_WRONLY);
    dup2(nowhere, STDOUT_FILENO);
    dup2(nowhere, STDERR_FILENO);
    std::vector<char*> words;
    for (std::string& argument : arguments) words.push_back(argument.data());
    words.push_back(nullptr);
    execv(words[0], words.data());
    _exit(127);
  }
  const auto has_stepped = [this] {
    return tests::content_of(run_ / "events.jsonl").find("\"step\"") != std::string::npos;
  };
  for (int i = 0; i < 12'000 && !has_stepped(); ++i) usleep(10'000);
  const auto writer = engine::glance_at(run_).status;
  ASSERT_TRUE(writer);
  for (const std::vector<std::string>& more :
       {std::vector<std::string>{}, std::vector<std::string>{"--overwrite_output_dir"}}) {
    const ProgramRun second = train(more);
    EXPECT_EQ(second.exit_code, 2) << second.err;
    EXPECT_NE(second.err.find("process " + std::to_string(writer->pid)), std::string::npos)
        << second.err;
  }
  kill(child, SIGTERM);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 75) << "the first run went on unharmed";
}

TEST_F(BadInput, AwkwardPathsAreNoBadInput) {
  run_ = scratch_ / "a run 光\n\"x\" 'y'" / "below";
  const fs::path renamed = scratch_ / "model $HOME 'ü'";
  fs::rename(model_, renamed);
  model_ = renamed;
  const ProgramRun result = train();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(fs::exists(run_ / "model.safetensors"));
  const ProgramRun again = run_paradigm({"train", "--config", (run_ / "run.yaml").string(),
                                         "--output_dir", (scratch_ / "again").string()},
                                        {"XDG_CACHE_HOME=" + (scratch_ / "cache").string()});
  EXPECT_EQ(again.exit_code, 0) << again.err;
}

/// The program in a name space of its own, where `run_`'s parent is a disk of that size. Nothing
/// where this machine allows no such thing. `after` is what the shell does then, on that disk.
std::optional<ProgramRun> on_a_small_disk(const fs::path& disk, const std::string& size,
                                          std::vector<std::string> arguments, const fs::path& cache,
                                          const std::string& after) {
  fs::create_directories(disk);
  std::string script = "mount -t tmpfs -o size=" + size + " tmpfs \"$1\" 2>/dev/null || exit 99; ";
  script += "disk=$1; shift; \"$@\"; code=$?; " + after + "; exit $code";
  arguments.insert(arguments.begin(),
                   {"-rm", "sh", "-c", script, "sh", disk.string(), PARADIGM_BIN_DIR "/paradigm"});
  ProgramRun result = tests::run_program("/usr/bin/unshare", arguments, "", PARADIGM_SOURCE_DIR,
                                         {"XDG_CACHE_HOME=" + cache.string()});
  if (result.exit_code == 99 || result.err.find("unshare") == 0) return std::nullopt;
  return result;
}

TEST_F(BadInput, ADiskThatIsFullBeforeTheFirstStep) {
  run_ = scratch_ / "disk/run";
  const auto result = on_a_small_disk(scratch_ / "disk", "1M", train_arguments(),
                                      scratch_ / "cache", "ls -A \"$disk\" | sed s/^/left:/");
  if (!result) GTEST_SKIP() << "no file system can be mounted here";
  expect_refused(*result, {run_.string(), "MB", "free", "--output_dir"});
  EXPECT_EQ(result->out.find("left:"), std::string::npos) << result->out;
}

TEST_F(BadInput, ADiskThatFillsLaterEndsTheRunWithItsLastCheckpointNamed) {
  run_ = scratch_ / "disk/run";
  auto arguments = train_arguments();
  arguments.insert(arguments.end(), {"--max_steps", "20", "--save_steps", "1"});
  const auto result = on_a_small_disk(scratch_ / "disk", "48M", arguments, scratch_ / "cache",
                                      "ls \"$disk/run\" | sed s/^/left:/");
  if (!result) GTEST_SKIP() << "no file system can be mounted here";
  EXPECT_EQ(result->exit_code, 1) << result->err;
  for (const char* word : {"MB", "free", "The last good checkpoint is checkpoint-"})
    EXPECT_NE(result->err.find(word), std::string::npos) << word << " is not in: " << result->err;
  EXPECT_NE(result->out.find("left:checkpoint-1"), std::string::npos) << result->out;
  EXPECT_EQ(result->out.find(".tmp-"), std::string::npos) << result->out;
}

TEST_F(BadInput, OutputThatCannotBeWritten) {
  const ProgramRun result =
      tests::run_program("/bin/sh", {"-c", std::string(PARADIGM_BIN_DIR "/paradigm inspect ") +
                                               model_.string() + " > /dev/full"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_NE(result.err.find("stdout"), std::string::npos) << result.err;
}

TEST_F(BadInput, StreamsThatAreClosedDoNotLetOutputIntoTheRunFolder) {
  std::string command;
  auto arguments = train_arguments();
  arguments.insert(arguments.begin(), PARADIGM_BIN_DIR "/paradigm");
  for (const std::string& argument : arguments) command += "'" + argument + "' ";
  const ProgramRun result =
      tests::run_program("/bin/sh", {"-c", command + "<&- >&- 2>&-"}, "", PARADIGM_SOURCE_DIR,
                         {"XDG_CACHE_HOME=" + (scratch_ / "cache").string()});
  EXPECT_EQ(result.exit_code, 0);
  std::ifstream events(run_ / "events.jsonl");
  int count = 0;
  for (std::string line; std::getline(events, line); ++count) {
    EXPECT_TRUE(nlohmann::json::accept(line)) << line;
  }
  EXPECT_GT(count, 2);
}

TEST_F(BadInput, InputThatCannotBeRead) {
  const ProgramRun result = tests::run_program(
      "/bin/sh", {"-c", PARADIGM_BIN_DIR "/paradigm tokenize --tokenizer_name '" + model_.string() +
                            "' < '" + model_.string() + "'"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_NE(result.err.find("stdin"), std::string::npos) << result.err;
}

TEST_F(BadInput, UnknownCommandNamesTheNearest) {
  const ProgramRun result = run_paradigm({"inspekt"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_NE(result.err.find("inspect"), std::string::npos) << result.err;
}

}  // namespace
