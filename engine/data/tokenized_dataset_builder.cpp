// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/tokenized_dataset_builder.h"

#include "engine/data/block_grouper.h"
#include "engine/data/input_file.h"
#include "engine/data/text_format.h"
#include "engine/data/text_source.h"
#include "engine/data/token_dataset_writer.h"
#include "engine/error.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

namespace engine {
namespace {

namespace fs = std::filesystem;

/// Part of every cache key: raise it whenever the same input would give other blocks.
constexpr int grouping_version = 1;
constexpr std::size_t chunk_bytes = std::size_t{4} << 20;
constexpr std::size_t chunk_texts = 16384;
constexpr std::int64_t to_the_end = std::numeric_limits<std::int64_t>::max();

enum class Part { whole, first_percent, behind_first_percent };

/// One split to make: the texts of its files, or the part of them before or behind the validation
/// percentage.
struct Wanted {
  const std::vector<fs::path>* files = nullptr;
  Part part = Part::whole;
  bool is_train = false;
  std::optional<std::int64_t> max_blocks;
  std::string digest;
  fs::path cache_file;
  std::optional<TokenDataset> result;

  const char* name() const { return is_train ? "training" : "validation"; }
};

class Progress {
 public:
  explicit Progress(const std::function<void(const DataProgress&)>& on_progress)
      : on_progress_(on_progress) {}

  void begin(const std::string& stage, std::uint64_t total_bytes) {
    now_ = DataProgress{.stage = stage, .done_bytes = 0, .total_bytes = total_bytes};
    report(0);
  }
  void report(std::uint64_t done_bytes) {
    now_.done_bytes = done_bytes;
    if (on_progress_) on_progress_(now_);
  }
  void add(std::uint64_t bytes) { report(now_.done_bytes + bytes); }

 private:
  const std::function<void(const DataProgress&)>& on_progress_;
  DataProgress now_;
};

std::uint64_t total_size(const std::vector<fs::path>& files) {
  std::uint64_t total = 0;
  for (const fs::path& file : files) total += InputFile(file).size();
  return total;
}

std::string described(const std::vector<fs::path>& files) {
  if (files.size() == 1) return files.front().string();
  return fmt::format("{} and {} more", files.front().string(), files.size() - 1);
}

class SplitBuilder {
 public:
  SplitBuilder(const TextSources& sources, const TextToIds& encoder, std::int64_t block_size,
               fs::path cache_dir, const std::function<void(const DataProgress&)>& on_progress)
      : sources_(sources),
        encoder_(encoder),
        block_size_(block_size),
        cache_dir_(std::move(cache_dir)),
        progress_(on_progress) {}

  /// Fills in what is in the cache, builds the rest.
  void make(std::vector<Wanted>& wanted) {
    hash_files(wanted);
    for (Wanted& split : wanted) open_cached(split);
    std::map<const std::vector<fs::path>*, std::vector<Wanted*>> missing;
    for (Wanted& split : wanted) {
      if (!split.result) missing[split.files].push_back(&split);
    }
    if (!missing.empty()) sweep_abandoned_token_files(cache_dir_);
    for (const auto& [files, splits] : missing) build(*files, splits);
  }

  std::vector<std::string> take_messages() { return std::move(messages_); }

 private:
  void hash_files(const std::vector<Wanted>& wanted) {
    std::uint64_t total = 0;
    for (const Wanted& split : wanted) {
      for (const fs::path& file : *split.files) required_text_format(file);
    }
    for (const Wanted& split : wanted) {
      for (const fs::path& file : *split.files) {
        if (hashes_.contains(file)) continue;
        total += InputFile(file).size();
        hashes_[file];
      }
    }
    progress_.begin("reading", total);
    for (auto& [file, hash] : hashes_) {
      stamps_[file] = file_stamp(file);
      hash = content_hash(file, [this](std::uint64_t bytes) { progress_.add(bytes); });
    }
  }

  std::string digest_of(const Wanted& split) const {
    std::string key = fmt::format(
        "grouping {}\ntokenizer {}\nvocabulary {}\nblock {}\npart {} {}\n", grouping_version,
        encoder_.digest, encoder_.vocab_size, block_size_, static_cast<int>(split.part),
        split.part == Part::whole ? 0 : sources_.validation_split_percentage);
    for (const fs::path& file : *split.files) {
      const TextFormat format = required_text_format(file);
      key += fmt::format("file {} {} {}\n", static_cast<int>(format),
                         format == TextFormat::lines && sources_.keep_linebreaks, hashes_.at(file));
    }
    const XXH128_hash_t hash = XXH3_128bits(key.data(), key.size());
    return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
  }

  void open_cached(Wanted& split) {
    split.digest = digest_of(split);
    split.cache_file = cache_dir_ / (split.digest + ".tokens");
    std::error_code ignored;
    if (!fs::exists(split.cache_file, ignored)) return;
    try {
      TokenDataset data = TokenDataset::open(split.cache_file, split.max_blocks);
      if (data.block_size() == block_size_ && data.digest().starts_with(split.digest)) {
        split.result = std::move(data);
        return;
      }
      messages_.push_back(fmt::format("{}: this is another data set's file; it is written again",
                                      split.cache_file.string()));
    } catch (const Error& error) {
      messages_.push_back(fmt::format("{}: {}; it is written again", split.cache_file.string(),
                                      error.problems().front().message));
    }
  }

  std::int64_t count_texts(const std::vector<fs::path>& files) {
    progress_.begin("counting", total_size(files));
    TextFiles walk(files, sources_.keep_linebreaks);
    std::string text;
    std::int64_t count = 0;
    std::uint64_t reported = 0;
    while (walk.next(text)) {
      ++count;
      if (walk.bytes_read() - reported >= chunk_bytes)
        progress_.report(reported = walk.bytes_read());
    }
    return count;
  }

  /// One split while it is written.
  struct Output {
    Wanted* split;
    std::int64_t begin;
    std::int64_t end;
    TokenDatasetWriter writer;
    BlockGrouper grouper;
  };

  void build(const std::vector<fs::path>& files, const std::vector<Wanted*>& splits) {
    const bool whole = splits.front()->part == Part::whole;
    const std::int64_t count = whole ? to_the_end : count_texts(files);
    const std::int64_t border =
        whole ? 0 : percent_of_texts(sources_.validation_split_percentage, count);
    std::vector<std::unique_ptr<Output>> outputs;
    for (Wanted* split : splits) {
      const bool first = split->part == Part::first_percent;
      outputs.push_back(std::unique_ptr<Output>(new Output{
          split, first ? 0 : border, first ? border : count,
          TokenDatasetWriter(split->cache_file, encoder_.vocab_size, block_size_, split->digest),
          BlockGrouper(block_size_, {})}));
      Output& output = *outputs.back();
      output.grouper = BlockGrouper(block_size_, [&output](std::span<const std::int32_t> block) {
        output.writer.append(block);
      });
    }
    tokenize(files, outputs);
    for (const fs::path& file : files) {
      if (file_stamp(file) != stamps_.at(file)) {
        fail("file-changed", Place{.file = file.string()}, "the file was changed while it was read",
             "Start again");
      }
    }
    for (const auto& output : outputs) require_blocks(*output, count);
    for (const auto& output : outputs) {
      output->writer.finish();
      output->split->result =
          TokenDataset::open(output->split->cache_file, output->split->max_blocks);
    }
  }

  void tokenize(const std::vector<fs::path>& files,
                const std::vector<std::unique_ptr<Output>>& outputs) {
    std::int64_t last = 0;
    for (const auto& output : outputs) last = std::max(last, output->end);
    progress_.begin("tokenising", total_size(files));
    TextFiles walk(files, sources_.keep_linebreaks);
    std::vector<std::string> texts;
    std::size_t bytes = 0;
    Output* receiver = nullptr;
    const auto flush = [&] {
      if (receiver != nullptr && !texts.empty()) {
        for (const std::vector<std::int32_t>& ids : encoder_.encode_batch(texts))
          receiver->grouper.add(ids);
      }
      texts.clear();
      bytes = 0;
      progress_.report(walk.bytes_read());
    };
    std::string text;
    for (std::int64_t index = 0; index < last && walk.next(text); ++index) {
      Output* const owner = owner_of(index, outputs);
      if (owner != receiver || bytes >= chunk_bytes || texts.size() >= chunk_texts) flush();
      receiver = owner;
      if (owner == nullptr) continue;
      bytes += text.size();
      texts.push_back(std::move(text));
    }
    flush();
    for (const std::string& message : walk.messages()) messages_.push_back(message);
  }

  static Output* owner_of(std::int64_t index, const std::vector<std::unique_ptr<Output>>& outputs) {
    for (const auto& output : outputs) {
      if (index >= output->begin && index < output->end) return output.get();
    }
    return nullptr;
  }

  void require_blocks(const Output& output, std::int64_t count) const {
    if (output.writer.blocks() > 0) return;
    const Wanted& split = *output.split;
    std::string texts = "its";
    std::string remedy = "Give more text, or a smaller --block_size";
    if (split.part == Part::first_percent) {
      texts = fmt::format("of its {} texts, the first {} % ({}) are the validation split, whose",
                          count, sources_.validation_split_percentage, output.end);
      remedy += ", a --validation_file, or a larger --validation_split_percentage";
    } else if (split.part == Part::behind_first_percent) {
      texts = fmt::format(
          "of its {} texts, those behind the first {} % ({}) are the training split, whose", count,
          sources_.validation_split_percentage, output.end - output.begin);
    }
    const bool several = output.grouper.texts() > BlockGrouper::texts_per_map_batch;
    fail("text-too-short", Place{.file = described(*split.files)},
         fmt::format(
             "the text is too short for the {} split: {} {} ids{} are less than one block of {}",
             split.name(), texts, output.grouper.longest_map_batch(),
             several ? fmt::format(" (the most of any {} texts in a row)",
                                   BlockGrouper::texts_per_map_batch)
                     : "",
             block_size_),
         remedy);
  }

  const TextSources& sources_;
  const TextToIds& encoder_;
  std::int64_t block_size_;
  fs::path cache_dir_;
  Progress progress_;
  std::map<fs::path, std::string> hashes_;
  std::map<fs::path, std::string> stamps_;
  std::vector<std::string> messages_;
};

}  // namespace

std::int64_t percent_of_texts(int percentage, std::int64_t count) {
  const std::int64_t scaled = percentage * count;
  const std::int64_t whole = scaled / 100;
  const std::int64_t rest = scaled % 100;
  const bool up = rest > 50 || (rest == 50 && whole % 2 != 0);
  return whole + (up ? 1 : 0);
}

TokenizedSplits tokenize_splits(const TextSources& sources, const TextToIds& encoder,
                                std::int64_t block_size, bool wanted_train, bool wanted_validation,
                                const fs::path& cache_dir,
                                const std::function<void(const DataProgress&)>& on_progress) {
  const bool shared = sources.validation_files.empty();
  const int percentage = sources.validation_split_percentage;
  if (block_size < 1) {
    fail("bad-value", Place{.file = "--block_size"},
         fmt::format("{} is not a block size: at least 1", block_size));
  }
  if (shared && (percentage < 0 || percentage > 100)) {
    fail("bad-value", Place{.file = "--validation_split_percentage"},
         fmt::format("{} is not in 0 … 100", percentage));
  }
  for (const auto& limit : {sources.max_train_samples, sources.max_eval_samples}) {
    if (limit && *limit < 1) {
      fail("bad-value",
           Place{.file = limit == sources.max_train_samples ? "--max_train_samples"
                                                            : "--max_eval_samples"},
           fmt::format("{} blocks are too few: at least 1", *limit));
    }
  }
  std::vector<Wanted> wanted;
  if (wanted_train) {
    Wanted& split = wanted.emplace_back();
    split.files = &sources.train_files;
    split.part = shared ? Part::behind_first_percent : Part::whole;
    split.is_train = true;
    split.max_blocks = sources.max_train_samples;
  }
  if (wanted_validation) {
    Wanted& split = wanted.emplace_back();
    split.files = shared ? &sources.train_files : &sources.validation_files;
    split.part = shared ? Part::first_percent : Part::whole;
    split.max_blocks = sources.max_eval_samples;
  }
  for (const Wanted& split : wanted) {
    if (split.files->empty()) {
      fail("no-data", Place{.file = split.is_train ? "--train_file" : "--validation_file"},
           fmt::format("no file for the {} split is given", split.name()),
           "Give --train_file, --validation_file or --dataset_name");
    }
  }

  SplitBuilder builder(sources, encoder, block_size, cache_dir, on_progress);
  builder.make(wanted);
  TokenizedSplits splits;
  for (Wanted& split : wanted) {
    (split.is_train ? splits.train : splits.validation) = std::move(split.result);
  }
  splits.messages = builder.take_messages();
  return splits;
}

}  // namespace engine
