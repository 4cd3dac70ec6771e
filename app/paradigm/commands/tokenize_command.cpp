// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/paradigm/command.h"
#include "app/paradigm/output.h"
#include "engine/data/hub_cache.h"
#include "engine/data/tokenizer.h"
#include "engine/error.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <optional>

namespace paradigm {
namespace {

using engine::Tokenizer;
using Ids = std::vector<std::int32_t>;

struct Options {
  std::string tokenizer;
  bool decode = false;
  bool json = false;
};

/// Lines that are already there, at most `limit`: a program at the other end of the pipe gets its
/// answer at once, a file is encoded in large batches.
std::vector<std::string> available_lines(std::istream& input, std::size_t limit) {
  std::vector<std::string> lines;
  for (std::string line; lines.size() < limit && std::getline(input, line);) {
    lines.push_back(std::move(line));
    if (input.rdbuf()->in_avail() <= 0) break;
  }
  return lines;
}

void print_ids(const Ids& ids) {
  std::string line = "[";
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (i > 0) line += ", ";
    line += std::to_string(ids[i]);
  }
  std::cout << line << "]\n";
}

int encode_lines(const Tokenizer& tokenizer) {
  constexpr std::size_t kBatch = 1000;
  for (auto lines = available_lines(std::cin, kBatch); !lines.empty();
       lines = available_lines(std::cin, kBatch)) {
    for (const Ids& ids : tokenizer.encode_batch(lines)) print_ids(ids);
    std::cout << std::flush;
  }
  return kDone;
}

/// The text that encodes to `ids`, as near as the tokenizer can tell: the tokens that the tokenizer
/// itself puts around every text are taken off, but not the same tokens where the text names them.
std::string original_text(const Tokenizer& tokenizer, const Ids& ids, const Ids& around) {
  std::optional<std::string> nearest;
  for (std::size_t before = around.size() + 1; before-- > 0;) {
    const std::size_t after = around.size() - before;
    if (ids.size() < around.size() ||
        !std::equal(around.begin(), around.begin() + std::ptrdiff_t(before), ids.begin()) ||
        !std::equal(around.end() - std::ptrdiff_t(after), around.end(),
                    ids.end() - std::ptrdiff_t(after))) {
      continue;
    }
    const Ids inner(ids.begin() + std::ptrdiff_t(before), ids.end() - std::ptrdiff_t(after));
    std::string text = tokenizer.decode(inner);
    if (tokenizer.encode(text) == ids) return text;
    if (!nearest) nearest = std::move(text);
  }
  return nearest ? *nearest : tokenizer.decode(ids);
}

Ids read_ids(const Tokenizer& tokenizer, const std::string& line, int number) {
  const Json json = Json::parse(line, nullptr, false);
  const auto complain = [&](const std::string& message) {
    engine::fail("bad-value", {.file = "stdin", .line = number}, message,
                 "Give one JSON array of ids a line, as tokenize prints them");
  };
  if (!json.is_array()) complain("this line is no JSON array");
  Ids ids;
  for (const Json& item : json) {
    const bool is_id = item.is_number_integer() && item >= 0 && item < tokenizer.vocab_size();
    if (!is_id) {
      complain(fmt::format("{} is not an id of this tokenizer (0 to {})", item.dump(),
                           tokenizer.vocab_size() - 1));
    }
    ids.push_back(item.get<std::int32_t>());
  }
  return ids;
}

int decode_lines(const Tokenizer& tokenizer, bool as_json) {
  const Ids around = tokenizer.encode("");
  int number = 0;
  for (std::string line; std::getline(std::cin, line);) {
    ++number;
    const std::string text = original_text(tokenizer, read_ids(tokenizer, line, number), around);
    if (as_json) {
      std::cout << Json(text).dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
    } else {
      std::cout << text << '\n';
    }
    if (std::cin.rdbuf()->in_avail() <= 0) std::cout << std::flush;
  }
  std::cout << std::flush;
  return kDone;
}

int tokenize(const Options& options) {
  std::ios::sync_with_stdio(false);
  const auto folder = engine::resolve_hub_path(options.tokenizer, engine::HubKind::model);
  const Tokenizer tokenizer = Tokenizer::load(folder);
  const int code = options.decode ? decode_lines(tokenizer, options.json) : encode_lines(tokenizer);
  if (std::cin.bad()) {
    engine::fail("cannot-read", {.file = "stdin"}, "the input cannot be read to its end",
                 "Give a file or a pipe");
  }
  return code;
}

}  // namespace

Command tokenize_command() {
  return {.name = "tokenize",
          .summary = "Lines from stdin to one JSON array of ids a line, and back",
          .examples =
              "echo 'Once upon a time' | paradigm tokenize --tokenizer_name "
              "resources/demo/checkpoint\n"
              "echo '[12, 5, 40]' | paradigm tokenize --tokenizer_name "
              "resources/demo/checkpoint --decode",
          .declare = [](CLI::App& app) -> std::function<int()> {
            auto options = std::make_shared<Options>();
            app.add_option("--tokenizer_name,--tokenizer-name", options->tokenizer,
                           "Folder or file of a tokenizer.json, or a name in the local hub cache")
                ->required()
                ->type_name("PATH");
            app.add_flag("--decode", options->decode, "The reverse: arrays of ids to lines");
            app.add_flag("--json", options->json,
                         "With --decode: each line as a JSON string (ids are JSON anyway)");
            return [options] { return tokenize(*options); };
          }};
}

}  // namespace paradigm
