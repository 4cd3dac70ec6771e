// SPDX-License-Identifier: GPL-3.0-or-later
// Encoding speed in MB/s for one thread and for all: tokenizer_benchmark TOKENIZER [TEXT_FILE].
// Without a text file English-like text is generated from the seed below, with a vocabulary that
// keeps growing as that of real text does.
#include "engine/data/tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr std::size_t kTextBytes = 24'000'000;
constexpr std::size_t kDistinctWords = 300'000;
constexpr int kRounds = 3;

std::string made_up_word(std::mt19937_64& random) {
  constexpr const char* kOnsets[] = {"b", "c", "d", "f", "g", "h",  "l",  "m",  "n",  "p",
                                     "r", "s", "t", "v", "w", "st", "tr", "ch", "th", "pl"};
  constexpr const char* kVowels[] = {"a", "e", "i", "o", "u", "ea", "ou", "ai", "e", "i"};
  constexpr const char* kCodas[] = {"", "n", "r", "s", "t", "l", "nd", "st", "ng", ""};
  std::string word;
  for (std::uint64_t syllables = 1 + random() % 4; syllables > 0; --syllables)
    word += std::string(kOnsets[random() % 20]) + kVowels[random() % 10] + kCodas[random() % 10];
  return word;
}

// Words drawn by Zipf's law, with the capitals, digits and punctuation of prose.
std::vector<std::string> generated_documents() {
  std::mt19937_64 random(1);
  std::vector<std::string> words;
  for (std::size_t i = 0; i < kDistinctWords; ++i) words.push_back(made_up_word(random));
  std::sort(words.begin(), words.begin() + 2000,
            [](const auto& a, const auto& b) { return a.size() < b.size(); });
  std::vector<double> cumulative(words.size());
  double sum = 0;
  for (std::size_t i = 0; i < words.size(); ++i)
    cumulative[i] = sum += 1.0 / static_cast<double>(i + 3);
  std::uniform_real_distribution<double> uniform(0, sum);
  std::vector<std::string> documents;
  std::size_t bytes = 0;
  while (bytes < kTextBytes) {
    std::string text;
    bool capital = true;
    while (text.size() < 4000) {
      const auto rank = static_cast<std::size_t>(
          std::lower_bound(cumulative.begin(), cumulative.end(), uniform(random)) -
          cumulative.begin());
      std::string word = random() % 80 == 0 ? std::to_string(random() % 3000)
                                            : words[std::min(rank, words.size() - 1)];
      if (capital || random() % 30 == 0)
        word[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(word[0])));
      text += word;
      const std::uint64_t mark = random() % 100;
      capital = mark < 6;
      text += mark < 5    ? ". "
              : mark < 6  ? ".\n\n"
              : mark < 12 ? ", "
              : mark < 13 ? "'s "
              : mark < 14 ? " ("
                          : " ";
    }
    bytes += text.size();
    documents.push_back(std::move(text));
  }
  return documents;
}

std::vector<std::string> documents_of(const char* file) {
  std::ifstream stream(file, std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(stream), {});
  std::vector<std::string> documents;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end =
        std::min(text.find('\n', std::min(at + 4000, text.size())), text.size() - 1) + 1;
    documents.push_back(text.substr(at, end - at));
    at = end;
  }
  return documents;
}

struct Timing {
  double wall = INFINITY;
  double cpu = INFINITY;  // of all threads together; what counts on a busy machine
  std::size_t ids = 0;
};

Timing best_of_rounds(const engine::Tokenizer& tokenizer, const std::vector<std::string>& documents,
                      int threads) {
  Timing best;
  for (int round = 0; round < kRounds; ++round) {
    const auto wall = std::chrono::steady_clock::now();
    const std::clock_t cpu = std::clock();
    const auto result = tokenizer.encode_batch(documents, threads);
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - wall;
    best.wall = std::min(best.wall, elapsed.count());
    best.cpu = std::min(best.cpu, static_cast<double>(std::clock() - cpu) / CLOCKS_PER_SEC);
    best.ids = 0;
    for (const auto& document : result) best.ids += document.size();
  }
  return best;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print("usage: tokenizer_benchmark TOKENIZER [TEXT_FILE]\n");
    return 2;
  }
  const std::vector<std::string> documents =
      argc > 2 ? documents_of(argv[2]) : generated_documents();
  std::size_t bytes = 0;
  for (const std::string& document : documents) bytes += document.size();
  const double megabytes = static_cast<double>(bytes) / 1e6;
  const int cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  for (const int threads : {1, cores}) {
    const engine::Tokenizer tokenizer = engine::Tokenizer::load(argv[1]);
    const Timing best = best_of_rounds(tokenizer, documents, threads);
    fmt::print(
        "{:.1f} MB, {} thread(s): {:.2f} MB/s, {:.2f} MB a CPU second, {:.2f} bytes per id\n",
        megabytes, threads, megabytes / best.wall, megabytes / best.cpu,
        static_cast<double>(bytes) / static_cast<double>(best.ids));
  }
  return 0;
}
